{{/* dict root, name, process */}}
{{- define "headwater.scaling" -}}
{{- $scaling := .process.values.autoscaling -}}
{{- $name := printf "%s-%s" (include "headwater.fullname" .root) .name -}}
{{- if eq $scaling.kind "hpa" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "headwater.labels" (dict "root" .root "component" .name) | nindent 4 }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ $name }} }
  minReplicas: {{ $scaling.minReplicas }}
  maxReplicas: {{ $scaling.maxReplicas }}
  metrics:
    - type: Resource
      resource: { name: cpu, target: { type: Utilization, averageUtilization: {{ $scaling.targetCPU }} } }
{{- else -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "headwater.labels" (dict "root" .root "component" .name) | nindent 4 }}
spec:
  scaleTargetRef: { name: {{ $name }} }
  minReplicaCount: {{ $scaling.minReplicas }}
  maxReplicaCount: {{ $scaling.maxReplicas }}
  pollingInterval: {{ $scaling.pollingSeconds }}
  cooldownPeriod: {{ $scaling.cooldownSeconds }}
  triggers:
    - type: external
      metadata:
        scalerAddress: {{ include "headwater.controllerName" .root }}.{{ .root.Release.Namespace }}:9098
        consumer: {{ .process.consumer }}
        lagThreshold: {{ $scaling.targetPending | quote }}
{{- end }}
{{- end }}

{{- define "headwater.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "headwater.fullname" .root }}-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "headwater.labels" (dict "root" .root "component" .name) | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "headwater.selector" (dict "root" .root "component" .name) | nindent 6 }}
{{- end }}
