import { RecordedEvent } from '@headwater/contracts';
import { NatsConnection } from '@nats-io/transport-node';
import { bind, Binding } from './binding';
import { Content, Delivery, deliveryOf } from './delivery';
import { inboxPrefixOf } from './inbox-prefix';
import { DEFAULT_PULL, PullLoop, PullOptions } from './pull-loop';
import { Extension, Settlement } from './settle';

export interface PulledMessage {
  /** JetStream sequence; the log position. */
  readonly sequence: number;
  /** How often the broker has delivered it, from 1. */
  readonly deliveries: number;
  /** When the stream stored it, milliseconds since 1970. */
  readonly storedAt: number;
  readonly content: Content;
  /** The event, or undefined when the message is none; `content` then says why. */
  readonly event: RecordedEvent | undefined;
}

export interface PulledBatch {
  readonly messages: readonly PulledMessage[];
  /** Acks all of them; with ack policy `all` that is one ack. To be called once their effect is durable. */
  ackAll(): void;
}

export interface BatchPullOptions {
  connection: NatsConnection;
  stream: string;
  consumer: string;
  /** Event types that must reach the consumer. */
  eventTypes?: readonly string[];
  /** Messages in one batch at most. */
  maxBatch?: number;
  /** Messages held at once, in batches not acked yet and before. */
  capacity?: number;
  readiness?: { up(): void; down(reason: string): void };
  pull?: Partial<PullOptions>;
  /** Told on every binding, before its messages; a throw keeps the consumer unbound. */
  bound?: (binding: Binding) => Promise<void> | void;
}

/**
 * Messages of a declared consumer in the order the broker delivers them, a batch at a time: whatever has arrived since
 * the last one, so that batches grow with the load. Order is the stream's as long as nothing is delivered again; whoever
 * needs it exactly compares sequences. Ack waits are extended until `ackAll`.
 */
export class BatchPull implements AsyncIterable<PulledBatch> {
  private readonly settlement: Settlement;
  private readonly extension: Extension;
  private readonly loop: PullLoop;
  private readonly unacked = new Map<number, Delivery>();
  private arrived: Delivery[] = [];
  private wake: (() => void) | undefined;
  private stopped = false;
  private binding: Binding | undefined;

  constructor(private readonly options: BatchPullOptions) {
    const { connection, stream, consumer, readiness, capacity = 4_096 } = options;
    this.settlement = new Settlement(connection);
    this.extension = new Extension(this.settlement, () => this.unacked.values());
    this.loop = new PullLoop(
      connection,
      { ...DEFAULT_PULL, inboxPrefix: inboxPrefixOf(connection), ...options.pull, stream, consumer },
      {
        bind: async (signal) => {
          const binding = await bind(connection, stream, consumer, options.eventTypes, signal);
          await options.bound?.(binding);
          this.binding = binding;
          this.extension.start(binding.ackWaitMs);
        },
        deliver: (message, reply) => this.deliver(deliveryOf(message, reply)),
        room: () => capacity - this.unacked.size,
        attached: () => readiness?.up(),
        detached: (reason) => readiness?.down(reason),
      },
    );
  }

  start(): this {
    this.loop.start();
    return this;
  }

  private deliver(delivery: Delivery): void {
    if (this.stopped) return this.settlement.nak(delivery);
    this.unacked.set(delivery.sequence, delivery);
    this.arrived.push(delivery);
    this.wake?.();
  }

  /** Messages that have arrived by now, waiting for the first; undefined once stopped. */
  async next(): Promise<PulledBatch | undefined> {
    while (this.arrived.length === 0) {
      if (this.stopped) return undefined;
      await new Promise<void>((resolve) => (this.wake = resolve));
      this.wake = undefined;
    }
    const deliveries = this.arrived.splice(0, this.options.maxBatch ?? 1_024);
    return { messages: deliveries.map(pulled), ackAll: () => this.ackAll(deliveries) };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PulledBatch> {
    for (;;) {
      const batch = await this.next();
      if (!batch) return;
      yield batch;
    }
  }

  private ackAll(deliveries: Delivery[]): void {
    for (const delivery of deliveries) {
      // A later delivery of the same message is another's to ack.
      if (this.unacked.get(delivery.sequence) === delivery) this.unacked.delete(delivery.sequence);
      if (this.binding?.ackPolicy !== 'all') this.settlement.ack(delivery);
    }
    const last = deliveries.at(-1);
    if (last && this.binding?.ackPolicy === 'all') this.settlement.ack(last);
    this.loop.pull();
  }

  /** Ends pulling and gives back at once what has not been acked. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.arrived = [];
    this.wake?.();
    await this.loop.stop();
    this.extension.stop();
    for (const delivery of this.unacked.values()) this.settlement.nak(delivery);
    this.unacked.clear();
  }
}

const pulled = ({ sequence, deliveries, storedAt, content }: Delivery): PulledMessage => ({
  sequence,
  deliveries,
  storedAt,
  content,
  event: 'event' in content ? content.event : undefined,
});
