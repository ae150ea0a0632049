import { createHash } from 'node:crypto';
import {
  AggregateAppend,
  AppendResult,
  DEAD_LETTER_AGGREGATE,
  DEAD_LETTER_EVENTS,
  decodeDeadLetterEvent,
  LOGS,
  NewEvent,
  ParkedDeadLetter,
  RecordedEvent,
} from '@headwater/contracts';
import { v5 as uuidv5 } from 'uuid';
import { Delivery } from './delivery';
import { describeError } from './errors';

export type ParkingReason = ParkedDeadLetter['reason'];

/** Keeps what could not be handled. `park` resolves once it is durable, and may be repeated for the same message. */
export interface DeadLetterSink {
  park(parked: ParkedDeadLetter): Promise<void>;
  /** True when a parking of this sequence is stored; asked when the broker reports a termination. */
  has?(stream: string, consumer: string, sequence: number): Promise<boolean>;
}

const BODY_LIMIT = 64 * 1024;

/** The dead letter of a delivery. Times are milliseconds since 1970. */
export function parkedOf(
  delivery: Delivery,
  of: { stream: string; consumer: string },
  why: { reason: ParkingReason; error: unknown; attempts: number; firstFailure: number; lastFailure: number },
): ParkedDeadLetter {
  const { content } = delivery;
  return {
    stream: of.stream,
    consumer: of.consumer,
    sequence: delivery.sequence,
    redrive: 0,
    ...('event' in content
      ? {
          event: {
            log: content.event.log,
            position: content.event.position,
            event_id: content.event.eventId,
            event_type: content.event.eventType,
            aggregate_id: content.event.aggregateId,
          },
        }
      : { message: { ...content.message, body: cut(content.message.body) } }),
    error: describeError(why.error),
    reason: why.reason,
    attempts: why.attempts,
    first_failure: new Date(why.firstFailure).toISOString(),
    last_failure: new Date(why.lastFailure).toISOString(),
  };
}

/** At most 64 KiB of UTF-8, whole characters. */
function cut(body: string): string {
  const bytes = Buffer.from(body);
  if (bytes.length <= BODY_LIMIT) return body;
  let end = BODY_LIMIT;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString();
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Aggregate of a message's dead letters: its consumer and what the message was about. */
export const deadLetterAggregate = (
  parked: Pick<ParkedDeadLetter, 'stream' | 'consumer' | 'sequence' | 'event'>,
): string =>
  aggregateOf(parked.consumer, parked.event?.aggregate_id ?? `${parked.stream}:${parked.sequence}`);

/** Aggregate of the dead letters of one aggregate's events at a consumer. */
export const aggregateOf = (consumer: string, aggregateId: string): string =>
  `${consumer}:${sha256(aggregateId)}`;

/** Name space of the ids of dead letters; made once. */
const NAMESPACE = '6f4b2b5e-2c53-4b8f-9a39-0d6f6f0f4c11';

/** The same for every attempt to park the same delivery; another for another redrive or another message. */
export function deadLetterId(parked: ParkedDeadLetter): string {
  const what = parked.event?.event_id ?? sha256(JSON.stringify(parked.message ?? null));
  return uuidv5([parked.consumer, parked.sequence, parked.redrive, what].join('\n'), NAMESPACE);
}

/** The event that stands for a parking. */
export function parkedEvent(parked: ParkedDeadLetter): NewEvent {
  const { type, version } = DEAD_LETTER_EVENTS.parked;
  return {
    eventId: deadLetterId(parked),
    eventType: type,
    data: JSON.stringify(parked),
    metadata: {
      schemaVersion: version,
      ...(parked.event ? { causationId: parked.event.event_id } : {}),
    },
  };
}

/** As much of an event store's client as dead letters need. */
export interface DeadLetterStore {
  append(log: string, aggregates: AggregateAppend[]): Promise<AppendResult>;
  readAggregate(log: string, aggregateId: string): Promise<RecordedEvent[]>;
  readLog(log: string, options: { after: number; limit?: number }): AsyncIterable<RecordedEvent[]>;
}

/** Dead letters as events of the log DEADLETTERS. */
export class DeadLetterLog implements DeadLetterSink {
  /** @param isClash recognises the store's answer that an event with this id and other content is there */
  constructor(
    private readonly store: DeadLetterStore,
    private readonly isClash: (error: unknown) => boolean,
  ) {}

  async park(parked: ParkedDeadLetter): Promise<void> {
    try {
      await this.store.append(LOGS.deadLetters, [
        {
          aggregateId: deadLetterAggregate(parked),
          aggregateType: DEAD_LETTER_AGGREGATE,
          expected: 'any',
          events: [parkedEvent(parked)],
        },
      ]);
    } catch (error) {
      // The times of failure differ from one process to the next; the parking is the same.
      if (!this.isClash(error)) throw error;
    }
  }

  async has(stream: string, consumer: string, sequence: number): Promise<boolean> {
    const aggregates = [deadLetterAggregate({ stream, consumer, sequence })];
    for await (const [event] of this.store.readLog(stream, { after: sequence - 1, limit: 1 })) {
      if (event?.position !== sequence) break;
      aggregates.push(aggregateOf(consumer, event.aggregateId));
    }
    for (const aggregate of aggregates) {
      const history = await this.store.readAggregate(LOGS.deadLetters, aggregate);
      if (history.some((event) => parkedSequence(event) === sequence)) return true;
    }
    return false;
  }
}

const parkedSequence = (event: RecordedEvent): number | undefined =>
  event.eventType === DEAD_LETTER_EVENTS.parked.type
    ? decodeDeadLetterEvent(DEAD_LETTER_EVENTS.parked, event).sequence
    : undefined;
