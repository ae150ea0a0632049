import { Counter, Gauge, type Registry } from 'prom-client';
import type { Asset } from './assets/asset';

/** What this controller measures beside the metrics of every controller. */
export class ControllerMetrics {
  readonly drift: Counter<'kind' | 'field'>;
  readonly ready: Gauge<'kind' | 'namespace' | 'name'>;
  readonly messages: Gauge<'namespace' | 'name' | 'stream'>;
  readonly bytes: Gauge<'namespace' | 'name' | 'stream'>;
  readonly pending: Gauge<'namespace' | 'name' | 'stream' | 'consumer'>;
  readonly ackPending: Gauge<'namespace' | 'name' | 'stream' | 'consumer'>;
  readonly redelivered: Gauge<'namespace' | 'name' | 'stream' | 'consumer'>;
  readonly connected: Gauge<'connection'>;
  readonly rounds: Counter<'connection'>;

  constructor(registry: Registry) {
    const registers = [registry];
    const stream = ['namespace', 'name', 'stream'] as const;
    const consumer = ['namespace', 'name', 'stream', 'consumer'] as const;
    this.drift = new Counter({
      name: 'jetstream_drift_detected_total',
      help: 'Fields that somebody else had changed and that were put back; field `deleted` is the object as a whole.',
      labelNames: ['kind', 'field'],
      registers,
    });
    this.ready = new Gauge({
      name: 'jetstream_resource_ready',
      help: '1 for a resource whose Ready condition is True, 0 for every other.',
      labelNames: ['kind', 'namespace', 'name'],
      registers,
    });
    this.messages = new Gauge({
      name: 'jetstream_stream_messages',
      help: 'Messages that the stream of a Stream resource holds.',
      labelNames: stream,
      registers,
    });
    this.bytes = new Gauge({
      name: 'jetstream_stream_bytes',
      help: 'Bytes that the stream of a Stream resource holds.',
      labelNames: stream,
      registers,
    });
    this.pending = new Gauge({
      name: 'jetstream_consumer_pending',
      help: 'Messages that the consumer of a Consumer resource has not been given yet.',
      labelNames: consumer,
      registers,
    });
    this.ackPending = new Gauge({
      name: 'jetstream_consumer_ack_pending',
      help: 'Messages that the consumer has been given and has not acknowledged.',
      labelNames: consumer,
      registers,
    });
    this.redelivered = new Gauge({
      name: 'jetstream_consumer_redelivered',
      help: 'Messages that wait for their acknowledgement after more than one delivery.',
      labelNames: consumer,
      registers,
    });
    this.rounds = new Counter({
      name: 'jetstream_rounds_total',
      help: 'Complete readings of what a server holds.',
      labelNames: ['connection'],
      registers,
    });
    this.connected = new Gauge({
      name: 'jetstream_connection_up',
      help: '1 while a connection to NATS is there; `default` is the process’s own.',
      labelNames: ['connection'],
      registers,
    });
  }

  /** A resource is gone, and its series with it. */
  forget({ kind, resource: { metadata }, stream, spec }: Asset): void {
    const { namespace = '', name } = metadata;
    this.ready.remove({ kind, namespace, name });
    if ('durableName' in spec) {
      const labels = { namespace, name, stream, consumer: spec.durableName };
      for (const gauge of [this.pending, this.ackPending, this.redelivered]) gauge.remove(labels);
    } else {
      for (const gauge of [this.messages, this.bytes]) gauge.remove({ namespace, name, stream });
    }
  }
}
