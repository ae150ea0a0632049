import { randomUUID } from 'node:crypto';
import { context, isSpanContextValid, trace } from '@opentelemetry/api';

let stopTracing: (() => Promise<void>) | undefined;

/**
 * Starts OpenTelemetry when the environment names an exporter (`OTEL_EXPORTER_OTLP_ENDPOINT` or
 * `OTEL_TRACES_EXPORTER`), else nothing: the SDK's cost per call is then not paid. Only the first call starts it.
 *
 * @returns flushes and stops it
 */
export function startTracing(service: string): () => Promise<void> {
  stopTracing ??= tracingWanted() ? start(service) : () => Promise.resolve();
  return stopTracing;
}

function tracingWanted(): boolean {
  const { env } = process;
  return Boolean(
    env['OTEL_EXPORTER_OTLP_ENDPOINT'] ??
    env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ??
    env['OTEL_TRACES_EXPORTER'],
  );
}

function start(service: string): () => Promise<void> {
  process.env['OTEL_SERVICE_NAME'] ??= service;
  // Loaded only when wanted: the SDK takes half a second and 40 MB.
  /* eslint-disable @typescript-eslint/no-require-imports */
  const { NodeSDK } = require('@opentelemetry/sdk-node') as typeof import('@opentelemetry/sdk-node');
  const { HttpInstrumentation } =
    require('@opentelemetry/instrumentation-http') as typeof import('@opentelemetry/instrumentation-http');
  const { GrpcInstrumentation } =
    require('@opentelemetry/instrumentation-grpc') as typeof import('@opentelemetry/instrumentation-grpc');
  const { PgInstrumentation } =
    require('@opentelemetry/instrumentation-pg') as typeof import('@opentelemetry/instrumentation-pg');
  /* eslint-enable @typescript-eslint/no-require-imports */
  const sdk = new NodeSDK({
    instrumentations: [new HttpInstrumentation(), new GrpcInstrumentation(), new PgInstrumentation()],
  });
  sdk.start();
  return () => sdk.shutdown();
}

const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

/**
 * The W3C trace context that what happens now belongs to: the active span's, else the caller's own, else a new one, so
 * that an order's events share a trace id even where nothing exports spans.
 */
export function currentTraceparent(incoming?: string): string {
  const span = trace.getSpan(context.active())?.spanContext();
  if (span && isSpanContextValid(span)) {
    return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
  }
  if (incoming && TRACEPARENT.test(incoming)) return incoming;
  // Node keeps random numbers for UUIDs in stock, so that these cost no system call each.
  const hex = (): string => randomUUID().replaceAll('-', '');
  return `00-${hex()}-${hex().slice(0, 16)}-00`;
}
