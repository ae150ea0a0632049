import { setTimeout as sleep } from 'node:timers/promises';
import {
  DEAD_LETTER_AGGREGATE,
  DEAD_LETTER_EVENTS,
  decodeDeadLetterEvent,
  deadLetterEventName,
  foldDeadLetters,
  isOpen,
  LOGS,
  ParkedDeadLetter,
  RecordedEvent,
  UndecodableEvent,
} from '@headwater/contracts';
import { appendOnVersion } from '@headwater/eventstore-client';
import { aggregateOf, deadLetterAggregate, DeadLetterStore, parkedEvent } from './dead-letter';
import { delayAfter } from './retry-policy';

/** A store of dead letters whose log can be followed. */
export interface FollowedStore extends DeadLetterStore {
  followLog(
    log: string,
    options: { after: number; signal: AbortSignal },
  ): AsyncIterable<{ events: RecordedEvent[]; position: number }>;
}

const RETRY = { firstDelayMs: 100, maxDelayMs: 5_000 };

/**
 * Which aggregates of a consumer have dead letters that have not ended, by following their log. It answers at once and may
 * be behind by what is under way; whether a message is really parked behind another is decided on the log itself.
 */
export class WaitingBehind {
  /** Dead letters' aggregate → sequence of the message → position of its parking. */
  private readonly open = new Map<string, Map<number, number>>();
  private readonly stop = new AbortController();
  private following: Promise<void> | undefined;
  private loaded = false;

  constructor(
    private readonly consumer: string,
    private readonly store: FollowedStore,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** False until the log has been read to its end: before that nothing may be handled. */
  get ready(): boolean {
    return this.loaded;
  }

  start(): void {
    this.following ??= this.follow();
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.following;
  }

  /** Whether messages of this aggregate may have to wait. */
  blocks(aggregateId: string): boolean {
    return this.open.size > 0 && this.open.has(aggregateOf(this.consumer, aggregateId));
  }

  /**
   * Parks a message behind the open dead letters of its aggregate.
   *
   * @returns false when there are none any more: it is to be handled
   */
  async park(parked: ParkedDeadLetter): Promise<boolean> {
    const aggregateId = deadLetterAggregate(parked);
    const event = parkedEvent(parked);
    let behind = false;
    const [appended] = await appendOnVersion(
      this.store,
      { log: LOGS.deadLetters, aggregateId, aggregateType: DEAD_LETTER_AGGREGATE },
      (history) => {
        const stored = history.some(({ eventId }) => eventId === event.eventId);
        const waiting = foldDeadLetters(history).filter(isOpen);
        behind = stored || waiting.length > 0;
        this.open.delete(aggregateId);
        for (const letter of waiting) this.opened(aggregateId, letter.parked.sequence, letter.position);
        return behind && !stored ? [event] : [];
      },
    );
    if (appended) this.opened(aggregateId, parked.sequence, appended.position);
    return behind;
  }

  /**
   * A message has just been parked by this process, and the next of its aggregate is asked about before the log tells of it.
   * If it has ended by then, the next parking behind it finds that out.
   */
  parked(parked: ParkedDeadLetter): void {
    this.opened(deadLetterAggregate(parked), parked.sequence, 0);
  }

  private opened(aggregateId: string, sequence: number, position: number): void {
    const letters = this.open.get(aggregateId) ?? new Map<number, number>();
    this.open.set(aggregateId, letters.set(sequence, position));
  }

  private async follow(): Promise<void> {
    const { signal } = this.stop;
    let after = 0;
    for (let failures = 0; !signal.aborted;) {
      try {
        if (!this.loaded) after = await this.load(after);
        for await (const page of this.store.followLog(LOGS.deadLetters, { after, signal })) {
          for (const event of page.events) this.apply(event);
          after = page.position;
          failures = 0;
        }
      } catch (error) {
        if (signal.aborted) return;
        this.failed(error);
      }
      await sleep(delayAfter(++failures, RETRY), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Reads to the log's present end; what comes later is followed. */
  private async load(from: number): Promise<number> {
    let after = from;
    for await (const events of this.store.readLog(LOGS.deadLetters, { after })) {
      for (const event of events) this.apply(event);
      after = events.at(-1)?.position ?? after;
    }
    this.loaded = true;
    return after;
  }

  private apply(event: RecordedEvent): void {
    if (!event.aggregateId.startsWith(`${this.consumer}:`)) return;
    try {
      const name = deadLetterEventName(event.eventType);
      switch (name) {
        case 'parked': {
          const { sequence } = decodeDeadLetterEvent(DEAD_LETTER_EVENTS.parked, event);
          return this.opened(event.aggregateId, sequence, event.position);
        }
        case 'discarded':
        case 'handled': {
          const { parked_position } = decodeDeadLetterEvent(DEAD_LETTER_EVENTS[name], event);
          return this.ended(event.aggregateId, parked_position);
        }
        case 'redriven':
        case undefined:
          return;
      }
    } catch (error) {
      if (!(error instanceof UndecodableEvent)) throw error;
    }
  }

  private ended(aggregateId: string, position: number): void {
    const letters = this.open.get(aggregateId);
    for (const [sequence, parkedAt] of letters ?? []) if (parkedAt === position) letters?.delete(sequence);
    if (letters?.size === 0) this.open.delete(aggregateId);
  }
}
