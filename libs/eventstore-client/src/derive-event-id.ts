import { v5 } from 'uuid';

/** Namespace of ids that derive from a cause. Fixed for ever: another one would make every redelivery a new event. */
const CAUSED_BY = '6f1c2a5e-3b52-5d0f-9c1e-8a4d70e1b9c3';

/**
 * Id of the event that a cause produces: UUID version 5 of cause and event type. A redelivery of the cause derives the
 * same id, so that the store recognises the append.
 */
export function deriveEventId(causeId: string, eventType: string): string {
  return v5(`${causeId}\n${eventType}`, CAUSED_BY);
}
