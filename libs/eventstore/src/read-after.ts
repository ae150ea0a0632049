import { RecordedEvent } from '@headwater/contracts';
import { Queryable } from '@headwater/sql';
import { readUnfiltered } from './read-log';
import { recordedEvent } from './stored-event';

/** An event with the digest that its store computed. */
export interface LoggedEvent {
  readonly event: RecordedEvent;
  /** SHA-256, hex. */
  readonly digest: string;
}

/**
 * The events after a position, in order and without gaps.
 *
 * @param limit events at most
 * @param maxBytes of data and metadata, by which it ends; a single event is returned whatever its size
 * @throws LogDamaged when the next event is missing
 */
export async function readAfter(
  client: Queryable,
  log: string,
  position: number,
  limit: number,
  maxBytes: number,
): Promise<LoggedEvent[]> {
  const events = await readUnfiltered(client, log, position, { limit, maxBytes });
  return events.map((stored) => ({ event: recordedEvent(stored), digest: stored.digest }));
}
