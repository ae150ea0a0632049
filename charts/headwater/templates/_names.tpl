{{- define "headwater.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains "headwater" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-headwater" (.Release.Name | trunc 30 | trimSuffix "-") }}
{{- end }}
{{- end }}

{{/* dict root, component. Never changed once released: selectors are immutable. */}}
{{- define "headwater.selector" -}}
app.kubernetes.io/name: headwater
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "headwater.labels" -}}
{{ include "headwater.selector" . }}
app.kubernetes.io/part-of: headwater
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "headwater.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "headwater.natsUrl" -}}
{{- if .Values.bundled.enabled }}nats://{{ include "headwater.fullname" . }}-nats:4222{{ else }}{{ .Values.nats.url }}{{ end }}
{{- end }}

{{- define "headwater.natsSecret" -}}
{{- if .Values.bundled.enabled }}{{ include "headwater.fullname" . }}-nats-credentials{{ else }}{{ .Values.nats.existingSecret }}{{ end }}
{{- end }}

{{- define "headwater.databaseSecret" -}}
{{- if .Values.bundled.enabled }}{{ include "headwater.fullname" . }}-database-credentials{{ else }}{{ .Values.database.existingSecret }}{{ end }}
{{- end }}

{{/* Three where one is not enough: dict root, value, one, ha. */}}
{{- define "headwater.count" -}}
{{- if kindIs "invalid" .value }}{{ ternary .ha .one .root.Values.global.ha.enabled }}{{ else }}{{ int .value }}{{ end }}
{{- end }}

{{/* Key of an owner's address in the Secret: dict root, owner. The bundled Secret has fixed ones. */}}
{{- define "headwater.databaseKey" -}}
{{- if .root.Values.bundled.enabled }}{{ kebabcase .owner }}-url{{ else }}{{ index .root.Values.database.keys .owner | required (printf "headwater: database.keys.%s is not set" .owner) }}{{ end }}
{{- end }}

{{/* A value as text. YAML's numbers arrive as floats here, and 10485760 is not to become 1.048576e+07. */}}
{{- define "headwater.text" -}}
{{- if kindIs "float64" . }}{{ if eq (floor .) . }}{{ printf "%.0f" . }}{{ else }}{{ . }}{{ end }}{{ else }}{{ . }}{{ end }}
{{- end }}
