import { escapeLiteral, Pool, QueryResultRow } from 'pg';
import { backoffMs, inTransaction, Isolation, pause, Queryable, sqlState } from '@headwater/sql';
import { BatchDecision, BatchState, decideBatch, KnownEvent } from './decide-batch';
import { LogRefused, UnknownLog } from './errors';
import { AppendOutcome, PreparedAppend } from './request';

export interface BatchResult {
  /** One for each append, in order. */
  outcomes: AppendOutcome[];
  /** The log's position after the batch. */
  head: number;
}

const UNIQUE_VIOLATION = '23505';
/** The same new id in two logs at once: the other log's batch commits first, then ours sees it. */
const ID_RACES = 5;

/**
 * Stores the appends of one log as one transaction of four round trips. One bad append never fails its neighbours.
 *
 * The counter row is updated first: whoever holds it is alone in this log until COMMIT, so positions are given in
 * commit order and a reader can't see position n + 1 before n. A sequence would be drawn before the commit, and leave
 * holes that a tailing reader passes for ever.
 *
 * @throws UnknownLog, LogRefused; SQL's errors for the batch as a whole
 */
export async function appendBatch(
  pool: Pool,
  log: string,
  appends: readonly PreparedAppend[],
  options: { isolation?: Isolation; onRetry?: (error: unknown) => void } = {},
): Promise<BatchResult> {
  const reserved = appends.reduce((sum, { count }) => sum + count, 0);
  for (let race = 0; ; race++) {
    try {
      const decided = await inTransaction(
        pool,
        (client, opened) => decideAndStore(client, log, appends, reserved, opened),
        {
          isolation: options.isolation ?? 'read committed',
          // Event ids make the batch recognise itself.
          idempotent: true,
          opening: reservation(log, reserved),
          closing: ({ head, events }) =>
            events.length === reserved ? undefined : giveBack(log, head + events.length),
          ...(options.onRetry ? { onRetry: options.onRetry } : {}),
        },
      );
      return { outcomes: decided.outcomes, head: decided.head + decided.events.length };
    } catch (error) {
      if (sqlState(error) !== UNIQUE_VIOLATION || race === ID_RACES) throw error;
      options.onRetry?.(error);
      await pause(backoffMs(race));
    }
  }
}

/** Texts, not parameters: they share a round trip with BEGIN and COMMIT, which only the simple protocol allows. */
const reservation = (log: string, count: number): string =>
  `UPDATE logs SET head = head + ${count} WHERE name = ${escapeLiteral(log)}
   RETURNING head, refused, restore_mark > compared_mark AS uncompared`;

const giveBack = (log: string, head: number): string =>
  `UPDATE logs SET head = ${head} WHERE name = ${escapeLiteral(log)}`;

async function decideAndStore(
  client: Queryable,
  log: string,
  appends: readonly PreparedAppend[],
  reserved: number,
  opened: readonly QueryResultRow[],
): Promise<BatchDecision & { head: number }> {
  const counter = opened[0] as CounterRow | undefined;
  if (!counter) throw new UnknownLog(log);
  if (counter.refused !== null) throw new LogRefused(log, counter.refused);
  if (counter.uncompared) {
    throw new LogRefused(
      log,
      'the database has been restored and the log is not yet compared with its stream',
    );
  }
  const head = counter.head - reserved;
  const decision = decideBatch(appends, { head, ...(await lookUp(client, log, appends)) });
  if (decision.events.length > 0) await store(client, log, decision);
  return { ...decision, head };
}

interface CounterRow {
  head: number;
  refused: string | null;
  uncompared: boolean;
}

interface LookUpRow {
  /** The event id, or null in the row of an aggregate. */
  event_id: string | null;
  aggregate_id: string;
  version: number;
  log: string;
  position: number;
  digest: string;
}

export const LOOK_UP = `
  SELECT event_id, aggregate_id, version, log, position, digest
    FROM events WHERE event_id = ANY ($2::text[])
  UNION ALL
  SELECT NULL, aggregate_id, version, log, 0, ''
    FROM aggregates WHERE log = $1 AND aggregate_id = ANY ($3::text[])`;

/** Only after the counter row is ours: what is seen now stays so until COMMIT. */
async function lookUp(
  client: Queryable,
  log: string,
  appends: readonly PreparedAppend[],
): Promise<Omit<BatchState, 'head'>> {
  const aggregates = appends.flatMap((append) => append.aggregates);
  const { rows } = await client.query<LookUpRow>({
    name: 'append-look-up',
    text: LOOK_UP,
    values: [
      log,
      aggregates.flatMap(({ events }) => events.map(({ eventId }) => eventId)),
      [...new Set(aggregates.map(({ aggregateId }) => aggregateId))],
    ],
  });
  const known = new Map<string, KnownEvent>();
  const versions = new Map<string, number>();
  for (const row of rows) {
    if (row.event_id === null) versions.set(row.aggregate_id, row.version);
    else known.set(row.event_id, row);
  }
  return { known, versions };
}

/** Events and heads in one statement; they are two tables, as no statement may write one table twice. */
async function store(client: Queryable, log: string, { events, heads }: BatchDecision): Promise<void> {
  await client.query({
    name: 'append-store',
    text: `WITH heads AS (
             INSERT INTO aggregates (log, aggregate_id, aggregate_type, version)
             SELECT $1, id, type, version
               FROM unnest($2::text[], $3::text[], $4::int8[]) AS head (id, type, version)
             ON CONFLICT (log, aggregate_id) DO UPDATE SET version = excluded.version
           )
           INSERT INTO events (log, position, event_id, event_type, aggregate_id, aggregate_type, version, data,
                               metadata, digest, recorded_at)
           SELECT $1, position, event_id, event_type, aggregate_id, aggregate_type, version, data, metadata, digest,
                  clock_timestamp()
             FROM unnest($5::int8[], $6::text[], $7::text[], $8::text[], $9::text[], $10::int8[], $11::text[],
                         $12::text[], $13::text[])
               AS event (position, event_id, event_type, aggregate_id, aggregate_type, version, data, metadata, digest)`,
    values: [
      log,
      [...heads.keys()],
      [...heads.values()].map(({ aggregateType }) => aggregateType),
      [...heads.values()].map(({ version }) => version),
      events.map(({ position }) => position),
      events.map(({ eventId }) => eventId),
      events.map(({ eventType }) => eventType),
      events.map(({ aggregateId }) => aggregateId),
      events.map(({ aggregateType }) => aggregateType),
      events.map(({ version }) => version),
      events.map(({ data }) => data),
      events.map(({ metadata }) => metadata),
      events.map(({ digest }) => digest),
    ],
  });
}
