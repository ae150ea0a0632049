{{/*
Every process of the platform by name, and what it connects to. Deployments, Services, budgets, scaling, network policies and
migrations all follow from this table.
*/}}
{{- define "headwater.processes" -}}
{{- $root := . -}}
{{- $own := dict
  "eventstore" (dict "entry" "apps/eventstore/dist/main.js" "tlsSecret" .Values.tls.eventstoreSecret "migrate" "apps/eventstore/dist/migrate.js" "natsUser" "eventstore" "databaseKey" "eventstore" "ports" (dict "grpc" 50051) "values" .Values.eventstore)
  "order" (dict "entry" "apps/order/dist/main.js" "tlsSecret" .Values.tls.orderSecret "databaseKey" "orderApi" "eventStore" true "ports" (dict "http" 3000) "values" .Values.order)
  "coordinator" (dict "entry" "apps/coordinator/dist/main.js" "migrate" "apps/coordinator/dist/migrate.js" "natsUser" "coordinator" "databaseKey" "coordinator" "eventStore" true "values" .Values.coordinator)
-}}
{{- if not .Values.payment.url }}
{{- $_ := set $own "payment-simulator" (dict "entry" "apps/payment-simulator/dist/main.js" "migrate" "apps/payment-simulator/dist/migrate.js" "databaseKey" "paymentSimulator" "ports" (dict "http" 3100) "values" .Values.paymentSimulator) }}
{{- end }}
{{- range $name, $worker := .Values.workers }}
{{- $process := pick $worker "entry" "natsUser" "databaseKey" "eventStore" "consumer" }}
{{- $_ := set $process "values" (omit $worker "entry" "natsUser" "databaseKey" "eventStore" "consumer") }}
{{- if eq $name "projection" }}{{ $_ := set $process "migrate" "apps/workers/projection/dist/migrate.js" }}{{ end }}
{{- if eq $name "payment" }}
{{- $url := $root.Values.payment.url | default (printf "http://%s-payment-simulator:3100" (include "headwater.fullname" $root)) }}
{{- $_ := set $process "env" (dict "HEADWATER_PAYMENT_URL" $url) }}
{{- end }}
{{- $_ := set $own $name $process }}
{{- end }}
{{- range $name, $process := $own }}
{{- $_ := set $process "values" (mergeOverwrite (deepCopy $root.Values.defaults) ($process.values | default dict)) }}
{{- end }}
{{- toYaml $own }}
{{- end }}
