{{/* Fixed words instead of .Chart.Name: as a dependency the chart has an alias. */}}
{{- define "jetstream-controller.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains "jetstream-controller" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-jetstream-controller" (.Release.Name | trunc 29 | trimSuffix "-") }}
{{- end }}
{{- end }}

{{- define "jetstream-controller.selector" -}}
app.kubernetes.io/name: jetstream-controller
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "jetstream-controller.labels" -}}
{{ include "jetstream-controller.selector" . }}
app.kubernetes.io/component: controller
app.kubernetes.io/part-of: headwater
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "jetstream-controller.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* One name in every namespace, so that the right to change it is a right to nothing else. */}}
{{- define "jetstream-controller.marker" -}}jetstream-controller-scope{{- end }}

{{- define "jetstream-controller.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "jetstream-controller.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* A value as text. YAML's numbers arrive as floats here, and 10485760 is not to become 1.048576e+07. */}}
{{- define "jetstream-controller.text" -}}
{{- if kindIs "float64" . }}{{ if eq (floor .) . }}{{ printf "%.0f" . }}{{ else }}{{ . }}{{ end }}{{ else }}{{ . }}{{ end }}
{{- end }}
