import { ManagedProcess, SetupError } from '@headwater/embedded';

export interface WaitReadyOptions {
  /** The process itself, to see that it has ended. */
  process: ManagedProcess | undefined;
  /** Ends the waiting. */
  signal?: AbortSignal | undefined;
  /** Told every few seconds what the service waits for. */
  progress?: (line: string) => void;
  timeoutMs?: number;
}

/** Milliseconds between two lines about a service that is not ready. */
const TELL_MS = 10_000;

/** What `/readyz` says; undefined while nothing answers. */
async function readyz(
  port: number,
): Promise<{ ready: boolean; waitingFor: Record<string, string | null> } | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) });
    return (await response.json()) as { ready: boolean; waitingFor: Record<string, string | null> };
  } catch {
    return undefined;
  }
}

/**
 * Waits until a service says that it is ready.
 *
 * @throws SetupError with what it waits for, or with its last words when it has ended; the signal's reason
 */
export async function waitReady(
  name: string,
  port: number,
  { process, signal, progress, timeoutMs = 60_000 }: WaitReadyOptions,
): Promise<void> {
  let last: string | undefined;
  let tellAt = Date.now() + TELL_MS;
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline;) {
    signal?.throwIfAborted();
    const answer = await readyz(port);
    if (answer?.ready) return;
    if (answer) {
      const lacking = Object.entries(answer.waitingFor).filter(([, reason]) => reason !== null);
      last = lacking.map(([what, reason]) => `${what}: ${reason}`).join('; ');
    } else if (process && !process.running) {
      throw new SetupError(`${name} ended at its start:\n${process.output}`);
    }
    if (Date.now() > tellAt) {
      progress?.(`${name} is not ready yet; it waits for ${last ?? 'its own start'}`);
      tellAt += TELL_MS;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new SetupError(
    `${name} is not ready after ${timeoutMs / 1000} s; it waits for ${last ?? 'its own start'}`,
  );
}
