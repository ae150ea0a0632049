import {
  DEAD_LETTER_AGGREGATE,
  DEAD_LETTER_EVENTS,
  type DeadLetter,
  decideHandled,
  decodeDeadLetterEvent,
  eventOfMessage,
  foldDeadLetters,
  isOpen,
  LOGS,
  MalformedMessage,
  ParkedDeadLetter,
  RecordedEvent,
  UndecodableEvent,
} from '@headwater/contracts';
import { appendOnVersion, decideOnDeadLetters } from '@headwater/eventstore-client';
import { DeadLetterLog, DeadLetterSink, DeadLetterStore, parkedEvent } from './dead-letter';
import { Delivery } from './delivery';
import { TerminalError } from './errors';

/** Handles one delivery of the worker's own stream; resolves once its effect is durable. */
export type HandleOriginal = (delivery: Delivery, attempt: number, signal: AbortSignal) => Promise<void>;

const REDRIVEN = DEAD_LETTER_EVENTS.redriven;

/**
 * Takes what persons have sent to one consumer again: reads the original event and has it handled under its own id, as if
 * it had just been delivered, then records that. What fails again is parked again, one redrive further. Everything is
 * decided on the history of the dead letters' aggregate, so that a repetition after a kill finds what has been done.
 */
export class Redrive implements DeadLetterSink {
  constructor(
    private readonly consumer: string,
    private readonly store: DeadLetterStore,
    private readonly log: DeadLetterLog,
    private readonly handleOriginal: HandleOriginal,
  ) {}

  /** @param delivery of a `DEADLETTERS.redriven` */
  async handle(delivery: Delivery, attempt: number, signal: AbortSignal): Promise<void> {
    if (!('event' in delivery.content)) throw delivery.content.malformed;
    const redriven = delivery.content.event;
    const { consumer, parked_position } = decodeDeadLetterEvent(REDRIVEN, redriven);
    if (consumer !== this.consumer) return;
    const letter = await this.find(redriven.aggregateId, parked_position);
    if (!letter) throw new TerminalError(`there is no dead letter ${parked_position} of ${consumer}`);
    // Handled or parked again before a kill took the ack, or discarded while the worker was down.
    if (!isOpen(letter)) return;
    const event = await this.original(letter.parked);
    const { deliveries, storedAt, receivedAt } = delivery;
    const { sequence } = letter.parked;
    await this.handleOriginal(
      { sequence, deliveries, reply: undefined, pending: 0, storedAt, receivedAt, content: { event } },
      attempt,
      signal,
    );
    await decideOnDeadLetters(this.store, redriven.aggregateId, (letters) => ({
      steps: decideHandled(letters, parked_position, this.consumer),
    }));
  }

  /** Parks the original again; what is no redrive of it is parked as it is. */
  async park(parked: ParkedDeadLetter): Promise<void> {
    const redriven = await this.redriven(parked);
    if (!redriven) return this.log.park(parked);
    const { aggregateId, parked_position } = redriven;
    const { error, reason, attempts, first_failure, last_failure } = parked;
    const of = { log: LOGS.deadLetters, aggregateId, aggregateType: DEAD_LETTER_AGGREGATE };
    await appendOnVersion(this.store, of, (history) => {
      const letter = foldDeadLetters(history).find(({ position }) => position === parked_position);
      // Discarded meanwhile: then it is nobody's concern any more.
      if (!letter || !isOpen(letter)) return [];
      const redrive = letter.parked.redrive + 1;
      return [
        parkedEvent({ ...letter.parked, redrive, error, reason, attempts, first_failure, last_failure }),
      ];
    });
  }

  /** True when the redriven event at this sequence of DEADLETTERS has had its effect. */
  async has(stream: string, consumer: string, sequence: number): Promise<boolean> {
    const event = await this.read(stream, sequence);
    if (event?.eventType !== REDRIVEN.type) return this.log.has(stream, consumer, sequence);
    const { parked_position, consumer: whose } = decodeDeadLetterEvent(REDRIVEN, event);
    if (whose !== this.consumer) return true;
    const letter = await this.find(event.aggregateId, parked_position);
    return letter !== undefined && !isOpen(letter);
  }

  private async find(aggregateId: string, position: number): Promise<DeadLetter | undefined> {
    const history = await this.store.readAggregate(LOGS.deadLetters, aggregateId);
    return foldDeadLetters(history).find((letter) => letter.position === position);
  }

  private async redriven({
    event,
  }: ParkedDeadLetter): Promise<{ aggregateId: string; parked_position: number } | undefined> {
    if (event?.event_type !== REDRIVEN.type) return undefined;
    const recorded = await this.read(event.log, event.position);
    if (!recorded) return undefined;
    try {
      const { consumer, parked_position } = decodeDeadLetterEvent(REDRIVEN, recorded);
      if (consumer !== this.consumer) return undefined;
      const letter = await this.find(recorded.aggregateId, parked_position);
      return letter && { aggregateId: recorded.aggregateId, parked_position };
    } catch (error) {
      if (error instanceof UndecodableEvent) return undefined;
      throw error;
    }
  }

  /** The event that was parked, as its log has it. */
  private async original(parked: ParkedDeadLetter): Promise<RecordedEvent> {
    const { log, position, id } = placeOf(parked);
    const event = await this.read(log, position);
    if (event?.eventId !== id)
      throw new TerminalError(`the log ${log} has no event ${id} at position ${position}`);
    return event;
  }

  private async read(log: string, position: number): Promise<RecordedEvent | undefined> {
    for await (const [event] of this.store.readLog(log, { after: position - 1, limit: 1 }))
      return event?.position === position ? event : undefined;
    return undefined;
  }
}

/**
 * Where the original stands. A message that could not be read may be readable for a newer program; the log is believed and
 * not the message.
 */
function placeOf({ event, message }: ParkedDeadLetter): { log: string; position: number; id: string } {
  if (event) return { log: event.log, position: event.position, id: event.event_id };
  if (!message) throw new TerminalError('the dead letter has neither an event nor a message');
  try {
    const read = eventOfMessage((name) => message.headers[name]?.[0], message.body);
    return { log: read.log, position: read.position, id: read.eventId };
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    throw new TerminalError(`it is still no event: ${error.message}`, error);
  }
}
