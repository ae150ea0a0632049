{{/* dict root, name, process */}}
{{- define "headwater.deployment" -}}
{{- $values := .process.values -}}
{{- $selector := include "headwater.selector" (dict "root" .root "component" .name) -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "headwater.fullname" .root }}-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "headwater.labels" (dict "root" .root "component" .name) | nindent 4 }}
spec:
  {{- if not $values.autoscaling.enabled }}
  replicas: {{ include "headwater.count" (dict "root" .root "value" $values.replicas "one" 1 "ha" 2) }}
  {{- end }}
  selector:
    matchLabels: {{- $selector | nindent 6 }}
  strategy:
    type: RollingUpdate
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
  template:
    metadata:
      labels:
        {{- include "headwater.labels" (dict "root" .root "component" .name) | nindent 8 }}
        {{- with $values.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- with $values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "headwater.fullname" .root }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext: {{- include "headwater.podSecurity" .root | nindent 8 }}
      terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
      {{- with .root.Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with $values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if $values.topologySpread }}
      topologySpreadConstraints:
        {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- $selector | nindent 14 }}
        {{- end }}
      {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ include "headwater.image" .root }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          command:
            - node
            {{- if .root.Values.tracing.endpoint }}
            - --require=/app/libs/platform/dist/start-tracing.js
            {{- end }}
            - {{ .process.entry }}
          securityContext: {{- include "headwater.containerSecurity" .root | nindent 12 }}
          env:
            - { name: HEADWATER_OPS_PORT, value: '9090' }
            # What is left after preStop and before the end by force.
            - { name: HEADWATER_SHUTDOWN_SECONDS, value: '{{ sub $values.terminationGracePeriodSeconds 8 }}' }
            {{- with include "headwater.env" . }}{{ . | trim | nindent 12 }}{{ end }}
            {{- if .root.Values.tracing.endpoint }}
            - { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .root.Values.tracing.endpoint | quote }} }
            - { name: OTEL_SERVICE_NAME, value: {{ .name }} }
            {{- end }}
            {{- range $key, $value := merge (deepCopy $values.env) (.process.env | default dict) }}
            - { name: {{ $key }}, value: {{ include "headwater.text" $value | quote }} }
            {{- end }}
          ports:
            - { name: ops, containerPort: 9090 }
            {{- range $port, $number := .process.ports }}
            - { name: {{ $port }}, containerPort: {{ $number }} }
            {{- end }}
          lifecycle:
            # Time for everybody to learn that this pod is ending, before it stops listening.
            preStop: { sleep: { seconds: 5 } }
          startupProbe:
            httpGet: { path: /livez, port: ops }
            periodSeconds: 1
            timeoutSeconds: 5
            failureThreshold: 120
          # Answering at all: what a process lacks makes it not ready, never restarted.
          livenessProbe:
            httpGet: { path: /livez, port: ops }
            periodSeconds: 10
            timeoutSeconds: 10
            failureThreshold: 6
          readinessProbe:
            httpGet: { path: /readyz, port: ops }
            periodSeconds: 2
            timeoutSeconds: 3
          resources: {{- toYaml $values.resources | nindent 12 }}
          volumeMounts: {{- include "headwater.mounts" . | nindent 12 }}
      volumes: {{- include "headwater.volumes" . | nindent 8 }}
{{- end }}
