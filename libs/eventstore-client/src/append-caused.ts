import { ExpectedVersion, NewEvent, RecordedEvent } from '@headwater/contracts';
import { EventStoreClient } from './client';
import { deriveEventId } from './derive-event-id';
import { EventIdClash } from './errors';

/**
 * Appends one event to the aggregate of the event that caused it, under the id that follows from the cause and the type:
 * handling the cause again changes nothing.
 *
 * @returns its version, that of the first time when it had been stored before; undefined when an earlier handling of the
 *   cause has recorded this step with other data, which then stands
 * @throws VersionConflict and whatever else `append` refuses with
 */
export async function appendCaused(
  store: Pick<EventStoreClient, 'append' | 'readAggregate'>,
  cause: RecordedEvent,
  event: Omit<NewEvent, 'eventId'>,
  expected: ExpectedVersion,
  options: { signal?: AbortSignal } = {},
): Promise<number | undefined> {
  const { log, aggregateId, aggregateType } = cause;
  const eventId = deriveEventId(cause.eventId, event.eventType);
  const events = [{ ...event, eventId }];
  try {
    const result = await store.append(log, [{ aggregateId, aggregateType, expected, events }], options);
    return result.events[0]?.version;
  } catch (error) {
    if (!(error instanceof EventIdClash)) throw error;
    const history = await store.readAggregate(log, aggregateId, options);
    // A clash with an event of another aggregate is nobody's earlier handling.
    if (!history.some((recorded) => recorded.eventId === eventId)) throw error;
    return undefined;
  }
}
