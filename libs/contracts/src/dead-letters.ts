import { z } from 'zod';
import { DEAD_LETTER_EVENTS, type DeadLetterEventName, ParkedDeadLetter } from './dead-letter-events';
import { RecordedEvent } from './event';
import { decodeData, type EventDefinition, UndecodableEvent } from './event-definition';
import { DEFAULT_CURRENCY } from './money';

/**
 * What became of a parking. `redriven` is on its way to its worker; `parked-again` has failed there and lives on as a
 * newer parking.
 */
export type DeadLetterState = 'parked' | 'redriven' | 'handled' | 'discarded' | 'parked-again';

/** One parking with everything that was done about it. */
export interface DeadLetter {
  /** Position of the parking in the log DEADLETTERS: how people and later events name it. */
  position: number;
  /** The parking as it is recorded. */
  parking: RecordedEvent;
  parked: ParkedDeadLetter;
  state: DeadLetterState;
  /** What was done about it, in order: the audit record. */
  history: DeadLetterEntry[];
}

export interface DeadLetterEntry {
  name: Exclude<DeadLetterEventName, 'parked'> | 'parked-again';
  position: number;
  /** RFC 3339. */
  at: string;
  /** Who and why, where a person or a worker has decided. */
  by?: string;
  reason?: string;
}

/** True while it waits for a person or for its worker. */
export const isOpen = ({ state }: Pick<DeadLetter, 'state'>): boolean =>
  state === 'parked' || state === 'redriven';

/** Dead letters as the fold of their log, or of the history of one aggregate of it. */
export class DeadLetterFold {
  private readonly byPosition = new Map<number, DeadLetter>();
  private readonly newest = new Map<string, DeadLetter>();
  /** Positions of events that can't be read; nothing follows from them. */
  readonly unreadable: number[] = [];

  /** By position. */
  get letters(): DeadLetter[] {
    return [...this.byPosition.values()];
  }

  apply(event: RecordedEvent): this {
    try {
      this.take(event);
    } catch (error) {
      if (!(error instanceof UndecodableEvent)) throw error;
      this.unreadable.push(event.position);
    }
    return this;
  }

  private take(event: RecordedEvent): void {
    const name = deadLetterEventName(event.eventType);
    switch (name) {
      case undefined:
        return;
      case 'parked':
        return this.park(event, decodeDeadLetterEvent(DEAD_LETTER_EVENTS.parked, event));
      case 'redriven':
      case 'discarded': {
        const { parked_position, by, reason } = decodeDeadLetterEvent(DEAD_LETTER_EVENTS[name], event);
        return this.enter(parked_position, name, event, { by, reason });
      }
      case 'handled': {
        const { parked_position } = decodeDeadLetterEvent(DEAD_LETTER_EVENTS.handled, event);
        return this.enter(parked_position, name, event, {});
      }
    }
  }

  private park(parking: RecordedEvent, parked: ParkedDeadLetter): void {
    const { position } = parking;
    const letter: DeadLetter = { position, parking, parked, state: 'parked', history: [] };
    const message = keyOf(parked);
    const before = this.newest.get(message);
    if (before && isOpen(before)) {
      before.state = 'parked-again';
      before.history.push({ name: 'parked-again', position, at: parking.recordedAt });
    }
    this.newest.set(message, letter);
    this.byPosition.set(position, letter);
  }

  private enter(
    parked: number,
    name: 'redriven' | 'discarded' | 'handled',
    { position, recordedAt: at }: RecordedEvent,
    who: { by?: string; reason?: string },
  ): void {
    const letter = this.byPosition.get(parked);
    if (!letter) return;
    letter.history.push({ name, position, at, ...who });
    // What comes after the end is on record, and changes nothing.
    if (isOpen(letter)) letter.state = name;
  }
}

/** The dead letters of events of DEADLETTERS, by position. */
export function foldDeadLetters(events: Iterable<RecordedEvent>): DeadLetter[] {
  const fold = new DeadLetterFold();
  for (const event of events) fold.apply(event);
  return fold.letters;
}

const NAMES = new Map(
  Object.entries(DEAD_LETTER_EVENTS).map(([name, { type }]) => [type as string, name as DeadLetterEventName]),
);

/** The catalogue's name of an event type of DEADLETTERS; undefined for any other. */
export const deadLetterEventName = (eventType: string): DeadLetterEventName | undefined =>
  NAMES.get(eventType);

/**
 * The data of a recorded event of DEADLETTERS.
 *
 * @param definition one of `DEAD_LETTER_EVENTS`, that of the event's type
 * @throws UndecodableEvent
 */
export function decodeDeadLetterEvent<Schema extends z.ZodType>(
  definition: EventDefinition<string, Schema>,
  event: RecordedEvent,
): z.infer<Schema> {
  const context = { aggregateId: event.aggregateId, defaultCurrency: DEFAULT_CURRENCY };
  return decodeData(definition, event.data, event.metadata.schemaVersion ?? 0, context);
}

/** The same for every parking of one message at one consumer. */
const keyOf = ({ consumer, stream, sequence, event }: ParkedDeadLetter): string =>
  [consumer, stream, sequence, event?.event_id ?? ''].join('\n');
