import { ManagedProcess, SetupError } from '@headwater/embedded';

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
 * @throws SetupError with what it waits for, or with its last words when it has ended
 */
export async function waitReady(
  name: string,
  port: number,
  process: () => ManagedProcess | undefined,
  timeoutMs = 60_000,
): Promise<void> {
  const first = process();
  let last: string | undefined;
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline;) {
    const answer = await readyz(port);
    if (answer?.ready) return;
    if (answer) {
      const lacking = Object.entries(answer.waitingFor).filter(([, reason]) => reason !== null);
      last = lacking.map(([what, reason]) => `${what}: ${reason}`).join('; ');
    } else if (first && !first.running) {
      throw new SetupError(`${name} ended at its start:\n${first.output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new SetupError(
    `${name} is not ready after ${timeoutMs / 1000} s; it waits for ${last ?? 'its own start'}`,
  );
}
