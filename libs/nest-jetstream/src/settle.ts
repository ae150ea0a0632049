import { NatsConnection } from '@nats-io/transport-node';
import { Delivery } from './delivery';

const encoder = new TextEncoder();
const ACK = encoder.encode('+ACK');
const NAK = encoder.encode('-NAK');
const WORKING = encoder.encode('+WPI');

/**
 * Tells the broker what became of deliveries. These are plain publishes that the connection batches; one that is lost
 * with the connection costs a redelivery, nothing else.
 */
export class Settlement {
  constructor(private readonly connection: NatsConnection) {}

  /** The effect is durable. */
  ack(delivery: Delivery): void {
    this.send(delivery, ACK);
  }

  /** Deliver it again, at once: only right when this process gives the message up, for a nak counts as a delivery. */
  nak(delivery: Delivery): void {
    this.send(delivery, NAK);
  }

  /** Never deliver it again; its dead letter is stored. */
  term(delivery: Delivery, reason: string): void {
    this.send(delivery, encoder.encode(`+TERM ${reason}`));
  }

  /** Still being worked on: the ack wait starts again. */
  working(delivery: Delivery): void {
    this.send(delivery, WORKING);
  }

  private send(delivery: Delivery, what: Uint8Array): void {
    if (delivery.reply === undefined || this.connection.isClosed() || this.connection.isDraining()) return;
    this.connection.publish(delivery.reply, what);
  }
}

/** Extends the ack wait of everything a process holds, with one timer for all of it. */
export class Extension {
  private timer: NodeJS.Timeout | undefined;
  private ackWaitMs = 0;
  private readonly extendedAt = new WeakMap<Delivery, number>();

  constructor(
    private readonly settlement: Settlement,
    private readonly held: () => Iterable<Delivery>,
  ) {}

  /** @param ackWaitMs the consumer's, as bound; may change when the consumer is declared anew */
  start(ackWaitMs: number): void {
    if (this.timer && ackWaitMs === this.ackWaitMs) return;
    this.stop();
    this.ackWaitMs = ackWaitMs;
    // Four ticks to one ack wait, and what is older than a tick is extended: one lost extension does no harm.
    const tick = Math.max(10, Math.floor(ackWaitMs / 4));
    this.timer = setInterval(() => this.extend(tick), tick);
    this.timer.unref();
  }

  private extend(tick: number): void {
    const now = Date.now();
    for (const delivery of this.held()) {
      if (now - (this.extendedAt.get(delivery) ?? delivery.receivedAt) < tick) continue;
      this.extendedAt.set(delivery, now);
      this.settlement.working(delivery);
    }
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
