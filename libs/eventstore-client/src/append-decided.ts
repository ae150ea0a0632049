import { NewEvent, RecordedEvent } from '@headwater/contracts';
import { appendCaused } from './append-caused';
import { EventStoreClient } from './client';
import { VersionConflict } from './errors';

/** One event that a history led to. */
export interface DecidedEvent {
  /** What it is produced for; its id derives from the cause's. */
  cause: RecordedEvent;
  event: Omit<NewEvent, 'eventId'>;
}

/** How often a decision is made anew when others write to the aggregate meanwhile. */
const DECISIONS = 5;

/**
 * Decides on an aggregate's present history and appends what was decided on exactly the version that was seen; reads and
 * decides again when others were faster.
 *
 * @param decide undefined: on this history there is nothing to do. Its errors are passed on
 * @returns the event and its version; undefined when there was nothing to do, or this step is on record with other data
 * @throws VersionConflict when others kept being faster, and whatever else the event store refuses with
 */
export async function appendDecided(
  store: Pick<EventStoreClient, 'append' | 'readAggregate'>,
  of: { log: string; aggregateId: string },
  decide: (history: RecordedEvent[]) => DecidedEvent | undefined,
  options: { signal?: AbortSignal } = {},
): Promise<(DecidedEvent & { version: number }) | undefined> {
  for (let round = 1; ; round++) {
    const history = await store.readAggregate(of.log, of.aggregateId, options);
    const decided = decide(history);
    if (!decided) return undefined;
    try {
      const expected = history.at(-1)?.version ?? 0;
      const version = await appendCaused(store, decided.cause, decided.event, expected, options);
      return version === undefined ? undefined : { ...decided, version };
    } catch (error) {
      if (!(error instanceof VersionConflict) || round === DECISIONS) throw error;
    }
  }
}
