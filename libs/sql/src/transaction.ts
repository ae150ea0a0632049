import { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import { backoffMs, pause } from './backoff';
import {
  isCollision,
  isCompletionUnknown,
  isConnectionLost,
  OutcomeUnknown,
  RetriesExhausted,
  sqlState,
} from './errors';
import { Queryable } from './pool';

export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

export interface TransactionOptions<T> {
  /** Absent: the session's default. */
  isolation?: Isolation;
  /** Runs again also when the outcome of COMMIT is unknown: only for work that recognises itself. */
  idempotent?: boolean;
  /** A statement without parameters that is sent in one round trip with BEGIN; its rows are `opened`. */
  opening?: string;
  /** A statement without parameters that is sent in one round trip with COMMIT. */
  closing?: (result: T) => string | undefined;
  /** Runs in all when transactions collide. */
  attempts?: number;
  /** Told before each further run. */
  onRetry?: (error: unknown) => void;
}

/** A connection may have died in the pool; so many in a row mean that the server is away. */
const LOST_CONNECTIONS = 3;

/**
 * Runs `work` in a transaction. Collisions (40001, 40P01) and connections lost before COMMIT run the whole of it again,
 * so `work` must have no effect but its statements.
 *
 * @throws OutcomeUnknown when COMMIT got no answer and `idempotent` is not set
 * @throws RetriesExhausted when it kept colliding
 * @throws whatever `work` throws; the transaction is rolled back
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: Queryable, opened: readonly QueryResultRow[]) => Promise<T>,
  options: TransactionOptions<T> = {},
): Promise<T> {
  const attempts = options.attempts ?? 20;
  let lost = 0;
  for (let attempt = 0; ; attempt++) {
    try {
      return await once(pool, work, options);
    } catch (error) {
      if (isCollision(error)) {
        if (attempt + 1 >= attempts)
          throw new RetriesExhausted(`the transaction collided ${attempts} times`, { cause: error });
      } else if (error instanceof OutcomeUnknown) {
        if (!options.idempotent || ++lost >= LOST_CONNECTIONS) throw error;
      } else if (isConnectionLost(error)) {
        if (++lost >= LOST_CONNECTIONS) throw error;
      } else throw error;
      options.onRetry?.(error);
      await pause(backoffMs(attempt));
    }
  }
}

async function once<T>(
  pool: Pool,
  work: (client: Queryable, opened: readonly QueryResultRow[]) => Promise<T>,
  options: TransactionOptions<T>,
): Promise<T> {
  const client = await pool.connect();
  // A client that is checked out reports a lost connection as an event too; the pending statement fails as well.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  let broken = false;
  try {
    const opened = await begin(client, options);
    const result = await work(client, opened);
    await commit(client, options.closing?.(result));
    return result;
  } catch (error) {
    broken = !(await rollBack(client, error));
    throw error;
  } finally {
    client.removeListener('error', ignore);
    client.release(broken);
  }
}

async function begin<T>(client: PoolClient, options: TransactionOptions<T>): Promise<QueryResultRow[]> {
  const text = options.isolation ? `BEGIN ISOLATION LEVEL ${options.isolation.toUpperCase()}` : 'BEGIN';
  const results = await simple(client, options.opening === undefined ? text : `${text}; ${options.opening}`);
  return results[1]?.rows ?? [];
}

async function commit(client: PoolClient, closing: string | undefined): Promise<void> {
  let results: QueryResult[];
  try {
    results = await simple(client, closing === undefined ? 'COMMIT' : `${closing}; COMMIT`);
  } catch (error) {
    if (isConnectionLost(error) || isCompletionUnknown(error) || sqlState(error) === undefined) {
      throw new OutcomeUnknown('COMMIT got no answer; the transaction may or may not have happened', {
        cause: error,
      });
    }
    throw error;
  }
  // COMMIT of a transaction that has failed answers ROLLBACK, without an error.
  if (results.at(-1)?.command !== 'COMMIT') throw new Error('the transaction was rolled back at COMMIT');
}

/** One simple-protocol message; pg answers with an array when it holds several statements. */
async function simple(client: PoolClient, text: string): Promise<QueryResult[]> {
  const answer: QueryResult | QueryResult[] = await client.query(text);
  return Array.isArray(answer) ? answer : [answer];
}

/** True when the connection can go back to the pool. */
async function rollBack(client: PoolClient, error: unknown): Promise<boolean> {
  // After an answer that leaves open what ran, nobody knows which statements the session has prepared.
  if (error instanceof OutcomeUnknown || isConnectionLost(error) || isCompletionUnknown(error)) return false;
  try {
    await client.query('ROLLBACK');
    return true;
  } catch {
    return false;
  }
}
