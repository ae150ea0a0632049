import { hostname } from 'node:os';
import { EventMetadata } from '@headwater/contracts';
import { currentTraceparent } from '@headwater/platform';
import { BaseRpcContext } from '@nestjs/microservices';
import { Delivery } from './delivery';

const INSTANCE = `${hostname()}:${process.pid}`;

/** What a handler is told beside the event: its parameter marked `@Ctx()`. */
export class JetStreamContext extends BaseRpcContext<[Delivery]> {
  constructor(
    delivery: Delivery,
    private readonly worker: string,
    /** Attempts in this process, from 1; outages do not count. */
    readonly attempt: number,
    /** Aborts when a shutdown can't wait any longer. */
    readonly signal: AbortSignal,
  ) {
    super([delivery]);
  }

  /** JetStream sequence; the log position. */
  get sequence(): number {
    return this.args[0].sequence;
  }

  /** How often the broker has delivered the message, from 1. */
  get deliveries(): number {
    return this.args[0].deliveries;
  }

  /** Milliseconds since 1970. */
  get receivedAt(): number {
    return this.args[0].receivedAt;
  }

  /** Metadata of an event that is produced for this one, but for its schema version. */
  caused(now = Date.now()): EventMetadata {
    const { content } = this.args[0];
    if (!('event' in content)) return { delivery: this.delivery(now) };
    const { eventId, metadata } = content.event;
    return {
      correlationId: metadata.correlationId ?? eventId,
      causationId: eventId,
      traceparent: currentTraceparent(metadata.traceparent),
      delivery: this.delivery(now),
    };
  }

  /** The delivery, as it is recorded in the metadata of what was produced for it. */
  delivery(now = Date.now()): NonNullable<EventMetadata['delivery']> {
    return {
      worker: this.worker,
      instance: INSTANCE,
      attempt: this.deliveries,
      receivedAt: new Date(this.receivedAt).toISOString(),
      handledMs: now - this.receivedAt,
    };
  }
}
