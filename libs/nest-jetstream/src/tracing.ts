import {
  context,
  Link,
  propagation,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { RecordedEvent } from '@headwater/contracts';
import { describeError } from './errors';

const tracer = trace.getTracer('@headwater/nest-jetstream');

let registered = false;

/** The API's own stand-in for a tracer that is not there; with it nothing below needs to happen. */
function nothingRegistered(): boolean {
  if (registered) return false;
  const provider = trace.getTracerProvider();
  registered =
    !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('probe') !== undefined;
  return !registered;
}

/**
 * Runs a handling in a span of its own. The first delivery continues the producer's trace; a later one is linked to it,
 * so that a trace does not grow with every attempt. Without a registered tracer the handling is simply run.
 */
export function traced<T>(
  event: RecordedEvent,
  of: { stream: string; consumer: string; attempt: number },
  run: () => Promise<T>,
): Promise<T> {
  if (nothingRegistered()) return run();
  const { traceparent } = event.metadata;
  const remote = traceparent ? propagation.extract(ROOT_CONTEXT, { traceparent }) : ROOT_CONTEXT;
  const producer = trace.getSpanContext(remote);
  const again = of.attempt > 1;
  const links: Link[] = again && producer ? [{ context: producer }] : [];
  const span = tracer.startSpan(
    `${event.eventType} process`,
    {
      kind: SpanKind.CONSUMER,
      links,
      attributes: {
        'messaging.system': 'nats',
        'messaging.operation.type': 'process',
        'messaging.destination.name': of.stream,
        'messaging.consumer.group.name': of.consumer,
        'messaging.message.id': event.eventId,
        'headwater.position': event.position,
        'headwater.attempt': of.attempt,
      },
    },
    again ? ROOT_CONTEXT : remote,
  );
  return context.with(trace.setSpan(context.active(), span), () => finish(span, run()));
}

async function finish<T>(span: Span, running: Promise<T>): Promise<T> {
  try {
    return await running;
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: describeError(error).message });
    throw error;
  } finally {
    span.end();
  }
}
