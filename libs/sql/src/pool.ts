import { Pool, QueryResult, QueryResultRow, types } from 'pg';
import { parsePosition } from './position';

/** What a function that only runs statements takes: a pool, or inside a transaction its client. */
export interface Queryable {
  query<Row extends QueryResultRow>(
    statement: string | Statement,
    values?: unknown[],
  ): Promise<QueryResult<Row>>;
}

/** A statement; with a name it is prepared once per connection. */
export interface Statement {
  name?: string;
  text: string;
  values?: unknown[];
}

export interface PoolOptions {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  url: string;
  /** Shown by the server beside its sessions. */
  applicationName: string;
  /** Connections at most. */
  max?: number;
  connectTimeoutMs?: number;
  /** 0: none. */
  statementTimeoutMs?: number;
  lockTimeoutMs?: number;
  /** A paused or cut-off process must not hold its row locks for longer. */
  idleInTransactionTimeoutMs?: number;
  /** Session settings sent with the connection's start, for example `{ enable_seqscan: 'off' }`. */
  settings?: Readonly<Record<string, string>>;
  /** Told of connections that break while idle; the pool replaces them by itself. */
  onConnectionError?: (error: Error) => void;
}

const INT8 = 20;

/** Every `int8` column arrives as a checked number. */
const parsers = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary' ? parsePosition : types.getTypeParser(oid, format),
};

/** A pool whose connections time out rather than wait for ever, on the server as well as here. */
export function createPool(options: PoolOptions): Pool {
  const statementTimeoutMs = options.statementTimeoutMs ?? 10_000;
  const pool = new Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.max ?? 8,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    statement_timeout: statementTimeoutMs,
    lock_timeout: options.lockTimeoutMs ?? 5_000,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 5_000,
    // The server's own timeout answers first unless the connection is dead.
    ...(statementTimeoutMs === 0 ? {} : { query_timeout: statementTimeoutMs + 5_000 }),
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    types: parsers,
    ...(options.settings ? { options: settingsText(options.settings) } : {}),
  });
  pool.on('error', (error) => options.onConnectionError?.(error));
  return pool;
}

const settingsText = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replace(/[\\ ]/g, '\\$&')}`)
    .join(' ');
