{{- define "jetstream-controller.watchRules" -}}
- apiGroups: [jetstream.headwater.dev]
  resources: [streams, consumers, connections]
  verbs: [get, list, watch, patch, update]
- apiGroups: [jetstream.headwater.dev]
  resources: [streams/status, consumers/status, connections/status]
  verbs: [patch, update]
- apiGroups: [jetstream.headwater.dev]
  resources: [streams/finalizers, consumers/finalizers, connections/finalizers]
  verbs: [update]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- /* Each Secret is watched by its name, so that rotated credentials take effect at once. */}}
{{- if .Values.secretAccess.all }}
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, list, watch]
{{- else if .Values.secretAccess.names }}
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, list, watch]
  resourceNames: {{- toYaml .Values.secretAccess.names | nindent 4 }}
{{- end }}
# The markers of namespaces that have a controller of their own. They all have one name, so that nothing else is readable.
- apiGroups: ['']
  resources: [configmaps]
  verbs: [get, list, watch, patch]
  resourceNames: [{{ include "jetstream-controller.marker" . }}]
{{- end }}

{{- define "jetstream-controller.rbac" -}}
{{- $name := include "jetstream-controller.fullname" . -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "jetstream-controller.labels" . | nindent 4 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "jetstream-controller.labels" . | nindent 4 }}
rules:
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    verbs: [create]
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    verbs: [get, update, patch]
    resourceNames: [{{ $name }}]
  {{- if eq .Values.scope "Namespace" }}
  - apiGroups: ['']
    resources: [namespaces]
    verbs: [get]
    resourceNames: [{{ .Release.Namespace }}]
  {{- include "jetstream-controller.watchRules" . | nindent 2 }}
  {{- else }}
  - apiGroups: [events.k8s.io]
    resources: [events]
    verbs: [create, patch]
  {{- end }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "jetstream-controller.labels" . | nindent 4 }}
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ $name }} }
subjects:
  - { kind: ServiceAccount, name: {{ $name }}, namespace: {{ .Release.Namespace }} }
{{- if eq .Values.scope "Cluster" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ printf "%s-%s" .Release.Namespace $name }}
  labels: {{- include "jetstream-controller.labels" . | nindent 4 }}
rules:
  - apiGroups: ['']
    resources: [namespaces]
    verbs: [get, list, watch]
  {{- include "jetstream-controller.watchRules" . | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ printf "%s-%s" .Release.Namespace $name }}
  labels: {{- include "jetstream-controller.labels" . | nindent 4 }}
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{ printf "%s-%s" .Release.Namespace $name }} }
subjects:
  - { kind: ServiceAccount, name: {{ $name }}, namespace: {{ .Release.Namespace }} }
{{- end }}
{{- end }}
