import { Lease, LeaseRow, Queryable } from '@headwater/sql';

/** The row in which the relays of a log agree on who works. */
export const relayLeaseRow = (log: string): LeaseRow => ({ table: 'relays', keyColumn: 'log', key: log });

/** Makes the row of a log's relay if there is none. */
export async function declareRelay(client: Queryable, log: string): Promise<void> {
  await client.query('INSERT INTO relays (log) VALUES ($1) ON CONFLICT (log) DO NOTHING', [log]);
}

/** The position up to which the log is known to be in its stream; 0 when nothing is. */
export async function loadRelayed(client: Queryable, log: string): Promise<number> {
  const { rows } = await client.query<{ relayed: number }>('SELECT relayed FROM relays WHERE log = $1', [
    log,
  ]);
  return rows[0]?.relayed ?? 0;
}

/**
 * Moves the relay's position, forwards or back.
 *
 * @returns false when the lease has gone to another relay; nothing is written then
 */
export async function saveRelayed(client: Queryable, lease: Lease, relayed: number): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'relay-save-relayed',
    text: 'UPDATE relays SET relayed = $4 WHERE log = $1 AND holder = $2 AND epoch = $3',
    values: [lease.row.key, lease.holder, lease.epoch, relayed],
  });
  return rowCount === 1;
}

/** Records why the relay has stopped, or with undefined that it works; other replicas show it from here. */
export async function saveHalted(client: Queryable, lease: Lease, reason: string | undefined): Promise<void> {
  await client.query(
    `UPDATE relays SET halted = $4
      WHERE log = $1 AND holder = $2 AND epoch = $3 AND halted IS DISTINCT FROM $4`,
    [lease.row.key, lease.holder, lease.epoch, reason ?? null],
  );
}

/** How far a log's stream is behind it. */
export interface RelayLag {
  head: number;
  relayed: number;
  /** Seconds since the oldest event that is not relayed was recorded, by the database's clock; 0 when all are. */
  lagSeconds: number;
  halted: string | undefined;
}

export const READ_RELAY_LAG = `
  SELECT l.head, r.relayed, r.halted,
         (SELECT extract(epoch FROM clock_timestamp() - e.recorded_at)::float8
            FROM events e
           WHERE e.log = l.name AND e.position = coalesce($2::int8, r.relayed) + 1) AS lag_seconds
    FROM logs l JOIN relays r ON r.log = l.name
   WHERE l.name = $1`;

/** @param relayed what the caller knows better than the checkpoint, which is written with some delay */
export async function readRelayLag(
  client: Queryable,
  log: string,
  relayed?: number,
): Promise<RelayLag | undefined> {
  const { rows } = await client.query<{
    head: number;
    relayed: number;
    lag_seconds: number | null;
    halted: string | null;
  }>({
    name: 'relay-read-lag',
    text: READ_RELAY_LAG,
    values: [log, relayed ?? null],
  });
  const row = rows[0];
  if (!row) return undefined;
  return {
    head: row.head,
    relayed: relayed ?? row.relayed,
    lagSeconds: Math.max(0, row.lag_seconds ?? 0),
    halted: row.halted ?? undefined,
  };
}

export const READ_EVENT_IDS =
  'SELECT event_id FROM events WHERE log = $1 AND position BETWEEN $2 AND $3 ORDER BY position';

/** Event ids of the positions `from` to `to`, both included, in order. */
export async function readEventIds(
  client: Queryable,
  log: string,
  from: number,
  to: number,
): Promise<string[]> {
  const { rows } = await client.query<{ event_id: string }>({
    name: 'relay-read-event-ids',
    text: READ_EVENT_IDS,
    values: [log, from, to],
  });
  return rows.map((row) => row.event_id);
}
