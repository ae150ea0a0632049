import { RpcException } from '@nestjs/microservices';

/**
 * Thrown by a handler whose dependency (event store, provider, database) is away. Pulling pauses until it is back; the
 * message is tried again and nothing is counted against it.
 *
 * NestJS's default filter replaces every error by its payload, so the payload is the error itself.
 */
export class DependencyUnavailable extends RpcException {
  override readonly name = 'DependencyUnavailable';

  /** @param dependency what is away, as a person calls it: "event store" */
  constructor(
    readonly dependency: string,
    message: string,
    override readonly cause?: unknown,
  ) {
    super(message);
  }

  override getError(): this {
    return this;
  }
}

/** Thrown by a handler for a message that no retry can help: it becomes a dead letter at once. */
export class TerminalError extends RpcException {
  override readonly name = 'TerminalError';

  constructor(
    message: string,
    override readonly cause?: unknown,
  ) {
    super(message);
  }

  override getError(): this {
    return this;
  }
}

/** What an error means for the message it was thrown for. */
export type Verdict =
  { kind: 'unavailable'; dependency: string; reason: string } | { kind: 'terminal' } | { kind: 'failure' };

/** An application's own mapping; undefined leaves the error to the rules of this library. */
export type Classify = (error: unknown) => Verdict | undefined;

/** The verdict on what a handler has thrown: the application's word first, then the error's class, else a failure. */
export function verdictOn(error: unknown, classify?: Classify): Verdict {
  const own = classify?.(error);
  if (own) return own;
  if (error instanceof DependencyUnavailable) {
    return { kind: 'unavailable', dependency: error.dependency, reason: error.message };
  }
  if (error instanceof TerminalError) return { kind: 'terminal' };
  return { kind: 'failure' };
}

/** Name and message of whatever was thrown. */
export function describeError(error: unknown): { name: string; message: string } {
  if (error instanceof Error) return { name: error.name, message: error.message };
  if (typeof error === 'object' && error !== null && 'message' in error) {
    return { name: 'Error', message: String(error.message) };
  }
  return { name: 'Error', message: String(error) };
}
