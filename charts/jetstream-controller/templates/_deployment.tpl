{{- define "jetstream-controller.deployment" -}}
{{- $name := include "jetstream-controller.fullname" . -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "jetstream-controller.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {{- include "jetstream-controller.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "jetstream-controller.labels" . | nindent 8 }}
        {{- with .Values.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- with .Values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ $name }}
      securityContext: {{- include "jetstream-controller.podSecurity" . | nindent 8 }}
      terminationGracePeriodSeconds: 30
      {{- with .Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with .Values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "jetstream-controller.selector" . | nindent 14 }}
      containers:
        - name: controller
          image: {{ include "jetstream-controller.image" . }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          command: [node, apps/jetstream-controller/dist/main.js]
          securityContext: {{- include "jetstream-controller.containerSecurity" . | nindent 12 }}
          env:
            - { name: HEADWATER_OPS_PORT, value: '9090' }
            - { name: HEADWATER_SCALER_PORT, value: '9098' }
            - { name: HEADWATER_LOG_LEVEL, value: {{ .Values.logLevel }} }
            - { name: HEADWATER_NATS_URL, value: {{ .Values.nats.url | quote }} }
            {{- if .Values.nats.existingSecret }}
            - { name: HEADWATER_NATS_USER, value: {{ .Values.nats.user | quote }} }
            - { name: HEADWATER_NATS_PASSWORD_FILE, value: /etc/headwater/nats/password }
            {{- end }}
            {{- if .Values.nats.caSecret }}
            - { name: HEADWATER_NATS_CA_FILE, value: /etc/headwater/nats-ca/ca.crt }
            {{- end }}
            {{- with .Values.clusterId }}
            - { name: HEADWATER_CLUSTER_ID, value: {{ . | quote }} }
            {{- end }}
            - { name: HEADWATER_LEASE_NAMESPACE, value: {{ .Release.Namespace }} }
            - { name: HEADWATER_LEASE_NAME, value: {{ $name }} }
            - name: HEADWATER_CONTROLLER_IDENTITY
              valueFrom: { fieldRef: { fieldPath: metadata.name } }
            {{- if eq .Values.scope "Namespace" }}
            - { name: HEADWATER_WATCH_NAMESPACE, value: {{ .Release.Namespace }} }
            - { name: HEADWATER_SCOPE_MARKER, value: {{ include "jetstream-controller.marker" . }} }
            - { name: HEADWATER_HANDOVER_SECONDS, value: '{{ .Values.handoverSeconds }}' }
            {{- end }}
            {{- range $key, $value := .Values.env }}
            - { name: {{ $key }}, value: {{ include "jetstream-controller.text" $value | quote }} }
            {{- end }}
          ports:
            - { name: ops, containerPort: 9090 }
            - { name: scaler, containerPort: 9098 }
          startupProbe:
            httpGet: { path: /livez, port: ops }
            periodSeconds: 1
            timeoutSeconds: 5
            failureThreshold: 60
          livenessProbe:
            httpGet: { path: /livez, port: ops }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: { path: /readyz, port: ops }
            periodSeconds: 3
            timeoutSeconds: 3
          resources: {{- toYaml .Values.resources | nindent 12 }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            {{- if .Values.nats.existingSecret }}
            - { name: nats, mountPath: /etc/headwater/nats, readOnly: true }
            {{- end }}
            {{- if .Values.nats.caSecret }}
            - { name: nats-ca, mountPath: /etc/headwater/nats-ca, readOnly: true }
            {{- end }}
      volumes:
        - { name: tmp, emptyDir: {} }
        {{- with .Values.nats.existingSecret }}
        - name: nats
          secret:
            secretName: {{ . }}
            defaultMode: 0440
            items: [{ key: {{ $.Values.nats.passwordKey }}, path: password }]
        {{- end }}
        {{- with .Values.nats.caSecret }}
        - name: nats-ca
          secret: { secretName: {{ . }}, defaultMode: 0444, items: [{ key: ca.crt, path: ca.crt }] }
        {{- end }}
{{- end }}

{{- define "jetstream-controller.service" -}}
# KEDA asks here how far a consumer is behind.
apiVersion: v1
kind: Service
metadata:
  name: {{ include "jetstream-controller.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "jetstream-controller.labels" . | nindent 4 }}
spec:
  selector: {{- include "jetstream-controller.selector" . | nindent 4 }}
  ports:
    - { name: scaler, port: 9098, targetPort: scaler, appProtocol: kubernetes.io/h2c }
    - { name: ops, port: 9090, targetPort: ops, appProtocol: http }
{{- end }}

{{- define "jetstream-controller.scopeMarker" -}}
# That it is there takes this namespace from a cluster-wide controller, which acknowledges that in an annotation.
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "jetstream-controller.marker" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "jetstream-controller.labels" . | nindent 4 }}
    jetstream.headwater.dev/scope: namespace
data:
  controller: {{ include "jetstream-controller.fullname" . }}
{{- end }}

{{- define "jetstream-controller.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "jetstream-controller.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "jetstream-controller.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "jetstream-controller.selector" . | nindent 6 }}
{{- end }}

{{- define "jetstream-controller.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "jetstream-controller.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "jetstream-controller.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "jetstream-controller.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - ports: [{ port: 9090 }, { port: 9098 }]
  # The API server and NATS are reached by addresses that no selector names.
  egress:
    - {}
{{- end }}

{{- define "jetstream-controller.podMonitor" -}}
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: {{ include "jetstream-controller.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "jetstream-controller.labels" . | nindent 4 }}
    {{- with .Values.podMonitor.labels }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  selector:
    matchLabels: {{- include "jetstream-controller.selector" . | nindent 6 }}
  podMetricsEndpoints: [{ port: ops, path: /metrics }]
{{- end }}

{{- define "jetstream-controller.serviceMonitor" -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ include "jetstream-controller.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "jetstream-controller.labels" . | nindent 4 }}
    {{- with .Values.serviceMonitor.labels }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  selector:
    matchLabels: {{- include "jetstream-controller.selector" . | nindent 6 }}
  endpoints: [{ port: ops, path: /metrics }]
{{- end }}
