import {
  DEAD_LETTER_AGGREGATE,
  type DeadLetter,
  type DeadLetterDecision,
  foldDeadLetters,
  LOGS,
} from '@headwater/contracts';
import { appendOnVersion } from './append-on-version';
import { EventStoreClient } from './client';
import { deriveEventId } from './derive-event-id';

/**
 * Decides on the dead letters of one aggregate and records what was decided, on exactly the history that was seen.
 *
 * @param aggregateId of the dead letters, as their events have it
 * @returns the decision that stands: its steps are recorded, or nothing is and it says why
 * @throws what the event store refuses with
 */
export async function decideOnDeadLetters(
  store: Pick<EventStoreClient, 'append' | 'readAggregate'>,
  aggregateId: string,
  decide: (letters: DeadLetter[]) => DeadLetterDecision,
): Promise<DeadLetterDecision> {
  const of = { log: LOGS.deadLetters, aggregateId, aggregateType: DEAD_LETTER_AGGREGATE };
  let decision: DeadLetterDecision = { steps: [] };
  await appendOnVersion(store, of, (history) => {
    decision = decide(foldDeadLetters(history));
    if ('refused' in decision) return [];
    return decision.steps.map(({ cause, event }) => ({
      ...event,
      eventId: deriveEventId(cause.eventId, event.eventType),
    }));
  });
  return decision;
}
