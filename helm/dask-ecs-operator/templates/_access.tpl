{{/* What the operator does with the namespaces that it watches. */}}
{{- define "dask-ecs-operator.rules" -}}
# patch: the operator's finalizer. It never deletes or creates one, nor writes a spec.
- apiGroups: [ecs.dask.org]
  resources: [daskclusters]
  verbs: [get, list, watch, patch]
- apiGroups: [ecs.dask.org]
  resources: [daskclusters/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
# What clients find their clusters by. Each is read by its name, never listed; Kubernetes deletes it with its cluster.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, patch]
- apiGroups: [""]
  resources: [services]
  verbs: [get, create, patch, delete]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, create, patch, delete]
{{- end }}

{{- define "dask-ecs-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "dask-ecs-operator.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
