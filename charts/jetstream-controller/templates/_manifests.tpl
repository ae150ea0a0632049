{{/*
Every object of the controller. A parent chart renders them with values of its own (`renderedByParent`), because a sub-chart
sees none of its parent's: dict with Values, Release, Chart, Capabilities.
*/}}
{{- define "jetstream-controller.manifests" -}}
{{- if not .Values.nats.url }}
{{- fail "jetstream-controller: say where NATS is, for example --set nats.url=nats://nats:4222 (and nats.existingSecret=… for the password of nats.user)" }}
{{- end }}
{{- include "jetstream-controller.rbac" . }}
---
{{ include "jetstream-controller.deployment" . }}
---
{{ include "jetstream-controller.service" . }}
{{- if eq .Values.scope "Namespace" }}
---
{{ include "jetstream-controller.scopeMarker" . }}
{{- end }}
{{- if gt (int .Values.replicas) 1 }}
---
{{ include "jetstream-controller.disruptionBudget" . }}
{{- end }}
{{- if .Values.networkPolicy.enabled }}
---
{{ include "jetstream-controller.networkPolicy" . }}
{{- end }}
{{- if .Values.podMonitor.enabled }}
---
{{ include "jetstream-controller.podMonitor" . }}
{{- end }}
{{- if .Values.serviceMonitor.enabled }}
---
{{ include "jetstream-controller.serviceMonitor" . }}
{{- end }}
{{- if .Values.crds.upgradeJob.enabled }}
{{ include "jetstream-controller.crdJob" . }}
{{- end }}
{{- end }}
