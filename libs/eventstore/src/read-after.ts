import { RecordedEvent } from '@headwater/contracts';
import { Queryable } from '@headwater/sql';

/** An event with the digest that its store computed. */
export interface LoggedEvent {
  readonly event: RecordedEvent;
  /** SHA-256, hex. */
  readonly digest: string;
}

interface EventRow {
  position: number;
  event_id: string;
  event_type: string;
  aggregate_id: string;
  aggregate_type: string;
  version: number;
  data: string;
  metadata: string;
  digest: string;
  recorded_at: Date;
}

/**
 * The events after a position, in order and without gaps.
 *
 * @param limit events at most
 * @param maxBytes of data and metadata at most; a single event is returned whatever its size
 */
export async function readAfter(
  client: Queryable,
  log: string,
  position: number,
  limit: number,
  maxBytes: number,
): Promise<LoggedEvent[]> {
  const { rows } = await client.query<EventRow>({
    name: 'read-after',
    text: `SELECT * FROM (
             SELECT position, event_id, event_type, aggregate_id, aggregate_type, version, data, metadata, digest,
                    recorded_at,
                    sum(octet_length(data) + octet_length(metadata)) OVER (ORDER BY position) AS bytes
               FROM events WHERE log = $1 AND position > $2
              ORDER BY position LIMIT $3) AS page
            WHERE bytes <= $4 OR position = $2 + 1
            ORDER BY position`,
    values: [log, position, limit, maxBytes],
  });
  return rows.map((row) => ({ event: recorded(log, row), digest: row.digest }));
}

const recorded = (log: string, row: EventRow): RecordedEvent => ({
  log,
  position: row.position,
  eventId: row.event_id,
  eventType: row.event_type,
  aggregateId: row.aggregate_id,
  aggregateType: row.aggregate_type,
  version: row.version,
  data: row.data,
  metadata: row.metadata === '' ? {} : JSON.parse(row.metadata),
  recordedAt: row.recorded_at.toISOString(),
});
