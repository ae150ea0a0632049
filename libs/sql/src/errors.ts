/** A transaction whose COMMIT got no answer: it may or may not have happened. Safe to repeat when it is idempotent. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';
}

/** A transaction that kept colliding with others. */
export class RetriesExhausted extends Error {
  override readonly name = 'RetriesExhausted';
}

/** SQLSTATE or Node's error code; undefined when the error has neither. */
export function sqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Serialization failure or deadlock: nothing has happened, the whole transaction is to be run again. */
export function isCollision(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01';
}

/** CockroachDB's "the statement may have been executed". */
export function isCompletionUnknown(error: unknown): boolean {
  return sqlState(error) === '40003';
}

/** Shutdown, crash recovery, start-up, and a session ended for idling in its transaction. */
const SERVER_LEAVES = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25P04']);

/** The connection is of no more use, whether the server said so or it just went away. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error);
  if (state === undefined) return error instanceof Error && LOST.test(error.message);
  return state.startsWith('08') || SERVER_LEAVES.has(state) || SOCKET_ERROR.test(state);
}

const SOCKET_ERROR = /^(E[A-Z]{3,}|ERR_SOCKET.*|ERR_STREAM.*)$/;

/** pg's own errors carry no code. */
const LOST =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|not queryable|client was closed|Client was closed|Cannot use a pool after calling end/;

/**
 * The database can't serve now, which says nothing about the request: away, starting, out of connections or disk, or
 * too slow for its timeouts. To be retried later, never answered as a fault of the request.
 */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof OutcomeUnknown || error instanceof RetriesExhausted) return true;
  if (isConnectionLost(error) || isCollision(error) || isCompletionUnknown(error)) return true;
  const state = sqlState(error);
  // 53: insufficient resources; 55P03: lock timeout; 57014: statement timeout; 58030: I/O error.
  return (
    state !== undefined &&
    (state.startsWith('53') || state === '55P03' || state === '57014' || state === '58030')
  );
}
