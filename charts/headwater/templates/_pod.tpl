{{- define "headwater.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "headwater.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* What a process is told of its NATS, SQL and event store: dict root, process. */}}
{{- define "headwater.env" -}}
{{- $secret := include "headwater.natsSecret" .root -}}
{{- if .process.natsUser -}}
- { name: HEADWATER_NATS_URL, value: {{ include "headwater.natsUrl" .root | quote }} }
{{- if $secret }}
- { name: HEADWATER_NATS_USER, value: {{ .process.natsUser }} }
- { name: HEADWATER_NATS_PASSWORD_FILE, value: /etc/headwater/credentials/nats-password }
{{- end }}
{{- if .root.Values.nats.caSecret }}
- { name: HEADWATER_NATS_CA_FILE, value: /etc/headwater/nats-ca/ca.crt }
{{- end }}
{{- end }}
{{- if .process.databaseKey }}
- { name: HEADWATER_DATABASE_URL_FILE, value: /etc/headwater/credentials/database-url }
{{- end }}
{{- if .process.eventStore }}
- { name: HEADWATER_EVENTSTORE_ADDRESS, value: 'dns:///{{ include "headwater.fullname" .root }}-eventstore:50051' }
{{- if .root.Values.tls.eventstoreSecret }}
- { name: HEADWATER_EVENTSTORE_CA_FILE, value: /etc/headwater/eventstore-ca/ca.crt }
{{- end }}
{{- end }}
{{- if .process.tlsSecret }}
- { name: HEADWATER_TLS_CERT_FILE, value: /etc/headwater/tls/tls.crt }
- { name: HEADWATER_TLS_KEY_FILE, value: /etc/headwater/tls/tls.key }
{{- end }}
{{- end }}

{{/* Each pod sees its own credentials and nobody else's. */}}
{{- define "headwater.volumes" -}}
{{- $nats := and .process.natsUser (include "headwater.natsSecret" .root) -}}
- { name: tmp, emptyDir: {} }
{{- if or $nats .process.databaseKey }}
- name: credentials
  projected:
    defaultMode: 0440
    sources:
      {{- if $nats }}
      - secret: { name: {{ $nats }}, items: [{ key: {{ .process.natsUser }}, path: nats-password }] }
      {{- end }}
      {{- with .process.databaseKey }}
      - secret: { name: {{ include "headwater.databaseSecret" $.root }}, items: [{ key: {{ include "headwater.databaseKey" (dict "root" $.root "owner" .) }}, path: database-url }] }
      {{- end }}
{{- end }}
{{- if and .process.natsUser .root.Values.nats.caSecret }}
- { name: nats-ca, secret: { secretName: {{ .root.Values.nats.caSecret }}, items: [{ key: ca.crt, path: ca.crt }] } }
{{- end }}
{{- if and .process.databaseKey .root.Values.database.caSecret }}
- { name: database-ca, secret: { secretName: {{ .root.Values.database.caSecret }}, items: [{ key: ca.crt, path: ca.crt }] } }
{{- end }}
{{- if and .process.eventStore .root.Values.tls.eventstoreSecret }}
- { name: eventstore-ca, secret: { secretName: {{ .root.Values.tls.eventstoreSecret }}, items: [{ key: ca.crt, path: ca.crt }] } }
{{- end }}
{{- with .process.tlsSecret }}
- { name: tls, secret: { secretName: {{ . }}, defaultMode: 0440, items: [{ key: tls.crt, path: tls.crt }, { key: tls.key, path: tls.key }] } }
{{- end }}
{{- end }}

{{- define "headwater.mounts" -}}
- { name: tmp, mountPath: /tmp }
{{- if or (and .process.natsUser (include "headwater.natsSecret" .root)) .process.databaseKey }}
- { name: credentials, mountPath: /etc/headwater/credentials, readOnly: true }
{{- end }}
{{- if and .process.natsUser .root.Values.nats.caSecret }}
- { name: nats-ca, mountPath: /etc/headwater/nats-ca, readOnly: true }
{{- end }}
{{- if and .process.databaseKey .root.Values.database.caSecret }}
- { name: database-ca, mountPath: /etc/headwater/database-ca, readOnly: true }
{{- end }}
{{- if and .process.eventStore .root.Values.tls.eventstoreSecret }}
- { name: eventstore-ca, mountPath: /etc/headwater/eventstore-ca, readOnly: true }
{{- end }}
{{- if .process.tlsSecret }}
- { name: tls, mountPath: /etc/headwater/tls, readOnly: true }
{{- end }}
{{- end }}

{{/* Where pods of jobs may run is what holds for all. */}}
{{- define "headwater.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.defaults.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.defaults.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
