import { propagation, trace } from '@opentelemetry/api';
import { core, tracing } from '@opentelemetry/sdk-node';
import { recordedEvent } from '../test/fixture';
import { traced } from './tracing';

const producer = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const event = recordedEvent({
  position: 7,
  metadata: { traceparent: `00-${producer.traceId}-${producer.spanId}-01` },
});
const of = { stream: 'ORDERS', consumer: 'payment-worker', attempt: 1 };
const exporter = new tracing.InMemorySpanExporter();

test('without a registered tracer the handling is simply run', async () => {
  await expect(traced(event, of, () => Promise.resolve(trace.getActiveSpan()))).resolves.toBeUndefined();
});

describe('with a tracer', () => {
  const provider = new tracing.BasicTracerProvider({
    spanProcessors: [new tracing.SimpleSpanProcessor(exporter)],
  });
  beforeAll(() => {
    trace.setGlobalTracerProvider(provider);
    propagation.setGlobalPropagator(new core.W3CTraceContextPropagator());
  });
  beforeEach(() => exporter.reset());
  afterAll(async () => {
    await provider.shutdown();
    trace.disable();
    propagation.disable();
  });

  test('a first delivery continues the trace of the producer', async () => {
    await traced(event, of, () => Promise.resolve());
    const [span] = exporter.getFinishedSpans();
    expect(span?.name).toBe('ORDERS.created process');
    expect(span?.spanContext().traceId).toBe(producer.traceId);
    expect(span?.parentSpanContext?.spanId).toBe(producer.spanId);
    expect(span?.attributes['headwater.position']).toBe(7);
  });

  test('a redelivery is linked to it and has a trace of its own', async () => {
    await traced(event, { ...of, attempt: 2 }, () => Promise.resolve());
    const [span] = exporter.getFinishedSpans();
    expect(span?.parentSpanContext).toBeUndefined();
    expect(span?.spanContext().traceId).not.toBe(producer.traceId);
    expect(span?.links.map(({ context }) => context.spanId)).toEqual([producer.spanId]);
  });

  test('a failure is on the span and is thrown on', async () => {
    await expect(traced(event, of, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(exporter.getFinishedSpans()[0]?.status.message).toBe('no');
  });
});
