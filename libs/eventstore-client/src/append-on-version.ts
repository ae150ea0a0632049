import { AppendedEvent, NewEvent, RecordedEvent } from '@headwater/contracts';
import { EventStoreClient } from './client';
import { EventIdClash, VersionConflict } from './errors';

/** How often a decision is made anew when others write to the aggregate meanwhile. */
const DECISIONS = 10;

/**
 * Appends what an aggregate's present history leads to, on exactly the version that was seen: all of it or none. Reads and
 * decides again when others were faster.
 *
 * @param decide an empty list: on this history there is nothing to do. Its errors are passed on
 * @returns what was appended, empty when there was nothing to do
 * @throws VersionConflict or EventIdClash when others kept being faster, and whatever else the event store refuses with
 */
export async function appendOnVersion(
  store: Pick<EventStoreClient, 'append' | 'readAggregate'>,
  of: { log: string; aggregateId: string; aggregateType: string },
  decide: (history: RecordedEvent[]) => readonly NewEvent[],
  options: { signal?: AbortSignal } = {},
): Promise<readonly AppendedEvent[]> {
  const { log, ...aggregate } = of;
  for (let round = 1; ; round++) {
    const history = await store.readAggregate(log, of.aggregateId, options);
    const events = [...decide(history)];
    if (events.length === 0) return [];
    try {
      const expected = history.at(-1)?.version ?? 0;
      return (await store.append(log, [{ ...aggregate, expected, events }], options)).events;
    } catch (error) {
      // An id that is taken by another content was taken since the history was read, or will be told as such again.
      const faster = error instanceof VersionConflict || error instanceof EventIdClash;
      if (!faster || round === DECISIONS) throw error;
    }
  }
}
