/** Ctrl-C reaches a process twice where npm passes on what the terminal has sent already. */
const ONE_SIGNAL_MS = 1_000;

export interface Interruption {
  /** Aborted by the first signal. */
  signal: AbortSignal;
  /** Resolves with the first signal. */
  first: Promise<void>;
  /** Resolves when somebody insists: a second signal, well after the first. */
  second: Promise<void>;
}

/** SIGINT, SIGTERM and SIGHUP, which from now on end nothing by themselves. */
export function watchInterruption(): Interruption {
  const controller = new AbortController();
  let insist = (): void => undefined;
  const second = new Promise<void>((resolve) => (insist = resolve));
  const first = new Promise<void>((resolve) =>
    controller.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  let firstAt: number | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (firstAt === undefined) {
        firstAt = Date.now();
        controller.abort();
      } else if (Date.now() - firstAt > ONE_SIGNAL_MS) insist();
    });
  }
  return { signal: controller.signal, first, second };
}
