{{/* What can't work is refused now, in one sentence, instead of by a wait that can only time out. */}}
{{- define "headwater.validate" -}}
{{- if .Values.bundled.enabled }}
  {{- if or .Values.nats.url .Values.nats.existingSecret }}
    {{- fail "headwater: bundled.enabled brings a NATS of its own; leave nats.url and nats.existingSecret empty, or set bundled.enabled=false" }}
  {{- end }}
  {{- if .Values.database.existingSecret }}
    {{- fail "headwater: bundled.enabled brings a PostgreSQL of its own; leave database.existingSecret empty, or set bundled.enabled=false" }}
  {{- end }}
{{- else }}
  {{- if not .Values.nats.url }}
    {{- fail "headwater: say where NATS is (--set nats.url=nats://nats.nats:4222, nats.existingSecret=…), or take the bundled one for a trial: --set bundled.enabled=true" }}
  {{- end }}
  {{- if not .Values.database.existingSecret }}
    {{- fail "headwater: name the Secret with the databases' addresses (--set database.existingSecret=…), or take the bundled database for a trial: --set bundled.enabled=true" }}
  {{- end }}
{{- end }}
{{- if and .Values.monitoring.podMonitor.enabled .Values.monitoring.serviceMonitor.enabled }}
  {{- fail "headwater: monitoring.podMonitor and monitoring.serviceMonitor would have everything scraped twice; enable one of them" }}
{{- end }}
{{- range $name, $process := include "headwater.processes" . | fromYaml }}
  {{- if not $process.entry }}
    {{- fail (printf "headwater: workers.%s needs `entry`, the path of its program in the image" $name) }}
  {{- end }}
  {{- with $process.values.autoscaling }}
    {{- if .enabled }}
      {{- if gt (int .minReplicas) (int .maxReplicas) }}
        {{- fail (printf "headwater: %s has autoscaling.minReplicas %d above maxReplicas %d" $name (int .minReplicas) (int .maxReplicas)) }}
      {{- end }}
      {{- if and (eq .kind "hpa") (lt (int .minReplicas) 1) }}
        {{- fail (printf "headwater: %s can't be scaled to 0 by autoscaling.kind=hpa; set autoscaling.minReplicas=1 or autoscaling.kind=keda" $name) }}
      {{- end }}
      {{- if and (eq .kind "keda") (not $process.consumer) }}
        {{- fail (printf "headwater: %s has no consumer that KEDA could scale it by; set autoscaling.kind=hpa" $name) }}
      {{- end }}
      {{- if and (eq .kind "keda") (not $.Values.controller.enabled) }}
        {{- fail (printf "headwater: autoscaling.kind=keda of %s needs the scaler of this release's controller; set controller.enabled=true or autoscaling.kind=hpa" $name) }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
