import { Queryable } from '@headwater/sql';
import { LogDamaged } from './errors';
import { PageBounds, pageStatement, readPage } from './page';
import { StoredEvent } from './stored-event';

export const READ_LOG = pageStatement('log = $1 AND position > $2 AND position <= $3', 'position', 4);
export const READ_LOG_OF_TYPES = pageStatement(
  'log = $1 AND position > $2 AND position <= $3 AND event_type = ANY ($4::text[])',
  'position',
  5,
);

/** How many positions a filtered page looks at; bounds the time of a page in which nothing fits. */
const FILTERED_SPAN = 5_000;

/**
 * The events after a position, in order, as many as the bounds allow. Positions have no gaps, so the first is the next.
 *
 * @throws LogDamaged when it is not: nothing is ever skipped in silence
 */
export async function readUnfiltered(
  client: Queryable,
  log: string,
  after: number,
  bounds: PageBounds,
  through: number = Number.MAX_SAFE_INTEGER,
): Promise<StoredEvent[]> {
  const { events } = await readPage(client, 'read-log', READ_LOG, [log, after, through], bounds);
  const last = events.at(-1);
  if (last && last.position !== after + events.length) {
    throw new LogDamaged(log, after, `${events.length} events end at position ${last.position}`);
  }
  return events;
}

export interface LogPage {
  events: StoredEvent[];
  /** Everything up to here has been looked at. */
  position: number;
}

/** A page of the log up to `through`, which must be committed. */
export async function readLogPage(
  client: Queryable,
  log: string,
  after: number,
  through: number,
  eventTypes: readonly string[],
  bounds: PageBounds,
): Promise<LogPage> {
  if (eventTypes.length === 0) {
    const events = await readUnfiltered(client, log, after, bounds, through);
    const last = events.at(-1);
    if (!last) throw new LogDamaged(log, after, `there is no event, but the head is ${through}`);
    return { events, position: last.position };
  }
  const end = Math.min(through, after + FILTERED_SPAN);
  const values = [log, after, end, eventTypes];
  const { events, cut } = await readPage(client, 'read-log-of-types', READ_LOG_OF_TYPES, values, bounds);
  return { events, position: cut ? (events.at(-1)?.position ?? end) : end };
}
