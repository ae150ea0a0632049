import { Queryable } from '@headwater/sql';
import { PAGE, pageStatement, readPage } from './page';
import { EVENT_COLUMNS, EventRow, StoredEvent, storedEvent } from './stored-event';

export interface ReadAggregateOptions {
  /** Forwards: the first version wanted (0 and 1: from the start). Backwards: the last one (0: from the end). */
  fromVersion: number;
  backwards: boolean;
  /** Events at most; 0: no limit. */
  limit: number;
}

export const READ_AGGREGATE = pageStatement('log = $1 AND aggregate_id = $2 AND version >= $3', 'version', 4);
export const READ_AGGREGATE_BACKWARDS = pageStatement(
  'log = $1 AND aggregate_id = $2 AND version <= $3',
  'version DESC',
  4,
);
export const READ_EVENT = `SELECT ${EVENT_COLUMNS} FROM events WHERE event_id = $1`;

/** An aggregate's history in pages; none when it has no events. */
export async function* readAggregate(
  client: Queryable,
  log: string,
  aggregateId: string,
  { fromVersion, backwards, limit }: ReadAggregateOptions,
): AsyncGenerator<StoredEvent[]> {
  let from = backwards && fromVersion === 0 ? Number.MAX_SAFE_INTEGER : fromVersion;
  for (let left = limit === 0 ? Infinity : limit; left > 0;) {
    const { events, cut } = await readPage(
      client,
      backwards ? 'read-aggregate-backwards' : 'read-aggregate',
      backwards ? READ_AGGREGATE_BACKWARDS : READ_AGGREGATE,
      [log, aggregateId, from],
      { ...PAGE, limit: Math.min(PAGE.limit, left) },
    );
    if (events.length > 0) yield events;
    const last = events.at(-1);
    if (!cut || !last) return;
    left -= events.length;
    from = backwards ? last.version - 1 : last.version + 1;
  }
}

/** The event with this id, in whatever log. */
export async function readEvent(client: Queryable, eventId: string): Promise<StoredEvent | undefined> {
  const { rows } = await client.query<EventRow>({ name: 'read-event', text: READ_EVENT, values: [eventId] });
  return rows[0] && storedEvent(rows[0]);
}
