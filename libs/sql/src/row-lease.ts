import { Pool } from 'pg';
import { backoffMs, pause } from './backoff';
import { Queryable } from './pool';

/**
 * A lease kept in a row: whoever holds it may work until `until`, by the database's clock. The row has the columns
 * `holder text`, `epoch int8 NOT NULL` and `until timestamptz`; the epoch grows with every change of holder, so that
 * work can be fenced by `… AND epoch = $n` in its own statements. The table may have other columns.
 */
export interface LeaseRow {
  /** Table and key column: written into SQL as they are, so only from code. */
  table: string;
  keyColumn: string;
  key: string;
}

export interface Lease {
  row: LeaseRow;
  holder: string;
  epoch: number;
}

/** Takes the lease if it is free, has run out, or is `holder`'s already. Undefined: somebody else has it, or no row. */
export async function acquireLease(
  client: Queryable,
  row: LeaseRow,
  holder: string,
  ttlMs: number,
): Promise<Lease | undefined> {
  const { rows } = await client.query<{ epoch: number }>(
    `UPDATE ${row.table}
        SET holder = $2, epoch = epoch + 1, until = clock_timestamp() + $3::float8 * interval '1 millisecond'
      WHERE ${row.keyColumn} = $1
        AND (holder IS NULL OR until IS NULL OR until < clock_timestamp() OR holder = $2)
      RETURNING epoch`,
    [row.key, holder, ttlMs],
  );
  return rows[0] && { row, holder, epoch: rows[0].epoch };
}

/** Prolongs it; false when it is no longer ours. */
export async function renewLease(client: Queryable, lease: Lease, ttlMs: number): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE ${lease.row.table} SET until = clock_timestamp() + $4::float8 * interval '1 millisecond'
      WHERE ${lease.row.keyColumn} = $1 AND holder = $2 AND epoch = $3`,
    [lease.row.key, lease.holder, lease.epoch, ttlMs],
  );
  return rowCount === 1;
}

/** Frees it for the next; does nothing when it is no longer ours. */
export async function releaseLease(client: Queryable, lease: Lease): Promise<void> {
  await client.query(
    `UPDATE ${lease.row.table} SET holder = NULL, until = NULL
      WHERE ${lease.row.keyColumn} = $1 AND holder = $2 AND epoch = $3`,
    [lease.row.key, lease.holder, lease.epoch],
  );
}

export interface HoldOptions {
  holder: string;
  ttlMs?: number;
  /** How often a taken lease is asked for. */
  pollMs?: number;
  /** Ends the waiting and, by the signal that `work` gets, the work. */
  signal?: AbortSignal;
  /** Told of failures to ask for or to prolong the lease. */
  onError?: (error: unknown) => void;
  /** Told each time that somebody else is found to have it: the database answers, and standing by is all there is to do. */
  onStandby?: () => void;
}

/**
 * Waits for the lease, runs `work` while it is held, and frees it. The signal that `work` gets is aborted when the
 * lease is lost, when it could not be prolonged in time, or when `options.signal` is.
 *
 * @returns what `work` returns; undefined when `options.signal` was aborted before the lease was had
 */
export async function whileHolding<T>(
  pool: Pool,
  row: LeaseRow,
  options: HoldOptions,
  work: (lease: Lease, signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const ttlMs = options.ttlMs ?? 10_000;
  const lease = await waitForLease(pool, row, options, ttlMs);
  if (!lease) return undefined;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const renewing = keepRenewing(pool, lease, ttlMs, stop, options.onError);
  try {
    return await work(lease, signal);
  } finally {
    stop.abort();
    await renewing;
    await releaseLease(pool, lease).catch((error: unknown) => options.onError?.(error));
  }
}

async function waitForLease(
  pool: Pool,
  row: LeaseRow,
  options: HoldOptions,
  ttlMs: number,
): Promise<Lease | undefined> {
  const pollMs = options.pollMs ?? 1_000;
  for (let failures = 0; !options.signal?.aborted;) {
    try {
      const lease = await acquireLease(pool, row, options.holder, ttlMs);
      if (lease) return lease;
      failures = 0;
      options.onStandby?.();
      await pause(pollMs, options.signal);
    } catch (error) {
      if (!options.onError) throw error;
      options.onError(error);
      await pause(backoffMs(failures++, 100, 2_000), options.signal);
    }
  }
  return undefined;
}

/** Renews at a third of the time to live; gives up by this process's clock before the database would. */
async function keepRenewing(
  pool: Pool,
  lease: Lease,
  ttlMs: number,
  stop: AbortController,
  onError: HoldOptions['onError'],
): Promise<void> {
  // Also when a renewal hangs: the deadline is a timer of its own.
  let deadline = setTimeout(() => stop.abort(), ttlMs * 0.9);
  while (!stop.signal.aborted) {
    await pause(ttlMs / 3, stop.signal);
    if (stop.signal.aborted) break;
    const asked = performance.now();
    try {
      if (!(await renewLease(pool, lease, ttlMs))) stop.abort();
      clearTimeout(deadline);
      deadline = setTimeout(() => stop.abort(), Math.max(0, ttlMs * 0.9 - (performance.now() - asked)));
    } catch (error) {
      onError?.(error);
    }
  }
  clearTimeout(deadline);
}
