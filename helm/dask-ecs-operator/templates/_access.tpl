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
{{- end }}

{{- define "dask-ecs-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "dask-ecs-operator.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
