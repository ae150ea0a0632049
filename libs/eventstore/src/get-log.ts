import { Queryable } from '@headwater/sql';
import { UnknownLog } from './errors';

export interface LogState {
  log: string;
  /** Position of the last event; 0 when there is none. */
  head: number;
  /** Position up to which JetStream has it. */
  relayed: number;
  /** Age of the oldest event that JetStream does not have; 0 when there is none. */
  oldestUnrelayedSeconds: number;
  /** Why appends are refused; empty while they are not. */
  refused: string;
  /** Why the relay stands still; empty while it does not. */
  relayHalted: string;
}

export const GET_LOG = `
  SELECT logs.name AS log, logs.head, coalesce(relays.relayed, 0) AS relayed,
         coalesce((SELECT extract(epoch FROM clock_timestamp() - events.recorded_at)::float8
                     FROM events
                    WHERE events.log = $1 AND events.position = coalesce(relays.relayed, 0) + 1), 0)
           AS "oldestUnrelayedSeconds",
         coalesce(logs.refused,
                  CASE WHEN logs.restore_mark > logs.compared_mark
                       THEN 'restored, and not yet compared with its stream' END, '') AS refused,
         coalesce(relays.halted, '') AS "relayHalted"
    FROM logs LEFT JOIN relays ON relays.log = logs.name
   WHERE logs.name = $1`;

/** @throws UnknownLog */
export async function getLog(client: Queryable, log: string): Promise<LogState> {
  const { rows } = await client.query<LogState>({ name: 'get-log', text: GET_LOG, values: [log] });
  if (!rows[0]) throw new UnknownLog(log);
  return rows[0];
}

export const GET_HEAD = 'SELECT head FROM logs WHERE name = $1';

/** Position of the log's last committed event. @throws UnknownLog */
export async function getHead(client: Queryable, log: string): Promise<number> {
  const { rows } = await client.query<{ head: number }>({ name: 'get-head', text: GET_HEAD, values: [log] });
  if (!rows[0]) throw new UnknownLog(log);
  return rows[0].head;
}
