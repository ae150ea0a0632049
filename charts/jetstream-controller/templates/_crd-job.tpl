{{- define "jetstream-controller.hook" -}}
helm.sh/hook: pre-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* Helm installs CRDs and never upgrades them. All of it are hook objects: nothing of it stays. */}}
{{- define "jetstream-controller.crdJob" -}}
{{- $name := printf "%s-crds" (include "jetstream-controller.fullname" .) -}}
{{- $cluster := printf "%s-%s" .Release.Namespace $name -}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "jetstream-controller.labels" . | nindent 4 }}
  annotations: {{- include "jetstream-controller.hook" (dict "weight" -3) | nindent 4 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $cluster }}
  labels: {{- include "jetstream-controller.labels" . | nindent 4 }}
  annotations: {{- include "jetstream-controller.hook" (dict "weight" -3) | nindent 4 }}
rules:
  - apiGroups: [apiextensions.k8s.io]
    resources: [customresourcedefinitions]
    verbs: [create]
  - apiGroups: [apiextensions.k8s.io]
    resources: [customresourcedefinitions]
    verbs: [get, patch]
    resourceNames:
      - connections.jetstream.headwater.dev
      - consumers.jetstream.headwater.dev
      - streams.jetstream.headwater.dev
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ $cluster }}
  labels: {{- include "jetstream-controller.labels" . | nindent 4 }}
  annotations: {{- include "jetstream-controller.hook" (dict "weight" -2) | nindent 4 }}
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{ $cluster }} }
subjects:
  - { kind: ServiceAccount, name: {{ $name }}, namespace: {{ .Release.Namespace }} }
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "jetstream-controller.labels" . | nindent 4 }}
  annotations: {{- include "jetstream-controller.hook" (dict "weight" -1) | nindent 4 }}
spec:
  backoffLimit: 3
  activeDeadlineSeconds: 300
  template:
    metadata:
      labels:
        app.kubernetes.io/name: jetstream-controller-crds
        app.kubernetes.io/instance: {{ .Release.Name }}
    spec:
      restartPolicy: Never
      serviceAccountName: {{ $name }}
      securityContext: {{- include "jetstream-controller.podSecurity" . | nindent 8 }}
      {{- with .Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: crds
          image: {{ include "jetstream-controller.image" . }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          command: [node, apps/cli/bin/headwater.js, crds, apply]
          securityContext: {{- include "jetstream-controller.containerSecurity" . | nindent 12 }}
          resources: { requests: { cpu: 20m, memory: 64Mi }, limits: { memory: 256Mi } }
{{- end }}
