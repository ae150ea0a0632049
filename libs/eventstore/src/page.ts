import { Queryable } from '@headwater/sql';
import { EVENT_COLUMNS, EventRow, StoredEvent, storedEvent } from './stored-event';

export interface PageBounds {
  /** Events at most. */
  limit: number;
  /** Bytes of data and metadata, by which a page ends; a single larger event makes a page of its own. */
  maxBytes: number;
}

export const PAGE: PageBounds = { limit: 500, maxBytes: 256 * 1024 };

export interface Page {
  events: StoredEvent[];
  /** True when the bounds ended the page and not the condition. */
  cut: boolean;
}

/**
 * A statement for one page of events. The sum of the bytes before each row is known without reading the texts
 * themselves, so that what would not fit is never sent.
 *
 * @param condition with parameters from $1; `limitAt` is the number of the one for the limit, the next is the bytes
 */
export const pageStatement = (condition: string, order: string, limitAt: number): string =>
  `SELECT ${EVENT_COLUMNS}, found
     FROM (SELECT page.*, count(*) OVER () AS found,
                  sum(octet_length(data) + octet_length(metadata))
                    OVER (ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
                    - octet_length(data) - octet_length(metadata) AS bytes_before
             FROM (SELECT ${EVENT_COLUMNS} FROM events WHERE ${condition}
                    ORDER BY ${order} LIMIT $${limitAt}) AS page) AS sized
    WHERE bytes_before < $${limitAt + 1}
    ORDER BY ${order}`;

export async function readPage(
  client: Queryable,
  name: string,
  text: string,
  values: unknown[],
  { limit, maxBytes }: PageBounds,
): Promise<Page> {
  const { rows } = await client.query<EventRow & { found: number }>({
    name,
    text,
    values: [...values, limit, maxBytes],
  });
  const found = rows[0]?.found ?? 0;
  return { events: rows.map(storedEvent), cut: found >= limit || rows.length < found };
}
