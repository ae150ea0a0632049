import { setMaxListeners } from 'node:events';
import { isConflict } from './errors';
import { RuntimeLog } from './log';
import { ReconcileOutcome, RuntimeMetrics } from './metrics';
import { pause } from './pause';
import { WorkQueue } from './work-queue';

export interface ReconcileResult {
  /** Work on the key again after so long, also when nothing changes. */
  requeueAfterMs?: number;
}

/** A failure that trying again can't mend: the key rests until its object changes. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}

export interface WorkersOptions {
  /** Label of logs and metrics. */
  name: string;
  queue: WorkQueue;
  /** Keys worked on at once. */
  concurrency: number;
  /**
   * Brings one object to where it should be. It is called with one key at a time, and again after a failure. Its signal is
   * aborted after `timeoutMs`, and `drainMs` after the workers' own signal.
   */
  reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult | void>;
  metrics?: RuntimeMetrics;
  log?: RuntimeLog;
  /** No key is taken any more once this is aborted. */
  signal: AbortSignal;
  /**
   * How long work under way may go on after that (4 s). With a lease: less than what lies between giving up (10 s) and
   * being replaced (15 s), so that no two leaders write.
   */
  drainMs?: number;
  /** Longest reconciliation (2 min). */
  timeoutMs?: number;
}

/**
 * Works on the keys of a queue until the signal is aborted and the work under way has ended; closes the queue then.
 *
 * The one place that decides about trying again: an error comes again with growing delay, a TerminalError does not, a
 * result with `requeueAfterMs` comes again then.
 */
export async function runWorkers(options: WorkersOptions): Promise<void> {
  const { queue, signal, metrics, name, concurrency } = options;
  const hardStop = new AbortController();
  // Every worker listens to both.
  setMaxListeners(0, signal, hardStop.signal);
  const measuring = setInterval(() => queue.measure(), 1_000);
  measuring.unref();
  metrics?.maxConcurrent.set({ controller: name }, concurrency);
  metrics?.activeWorkers.set({ controller: name }, 0);
  const draining = (): void => {
    void pause(options.drainMs ?? 4_000, hardStop.signal).then(() => hardStop.abort(signal.reason));
  };
  signal.addEventListener('abort', draining, { once: true });
  if (signal.aborted) draining();
  try {
    await Promise.all(Array.from({ length: concurrency }, () => work(options, hardStop.signal)));
  } finally {
    clearInterval(measuring);
    signal.removeEventListener('abort', draining);
    hardStop.abort();
    queue.close();
  }
}

async function work(options: WorkersOptions, hardStop: AbortSignal): Promise<void> {
  const { queue, signal } = options;
  while (!signal.aborted) {
    let key;
    try {
      key = await queue.next(signal);
    } catch {
      return;
    }
    try {
      await workOn(key, options, hardStop);
    } finally {
      queue.done(key);
    }
  }
}

async function workOn(key: string, options: WorkersOptions, hardStop: AbortSignal): Promise<void> {
  const { queue, metrics, name: controller } = options;
  const started = performance.now();
  metrics?.activeWorkers.inc({ controller });
  const outcome = await attempt(key, options, hardStop);
  metrics?.activeWorkers.dec({ controller });
  metrics?.reconcileTotal.inc({ controller, result: outcome.result });
  metrics?.reconcileSeconds.observe({ controller }, (performance.now() - started) / 1000);
  switch (outcome.result) {
    case 'success':
      queue.forget(key);
      return;
    case 'requeue_after':
      queue.forget(key);
      queue.addAfter(key, outcome.afterMs);
      return;
    case 'terminal':
      queue.forget(key);
      metrics?.reconcileErrors.inc({ controller });
      metrics?.terminalErrors.inc({ controller });
      options.log?.error({ controller, key, err: outcome.error }, 'this stays so until the object changes');
      return;
    case 'error':
      queue.addRateLimited(key);
      metrics?.reconcileErrors.inc({ controller });
      tellOfFailure(key, outcome.error, options);
      return;
  }
}

type Outcome =
  | { result: Extract<ReconcileOutcome, 'success'> }
  | { result: Extract<ReconcileOutcome, 'requeue_after'>; afterMs: number }
  | { result: Extract<ReconcileOutcome, 'terminal' | 'error'>; error: unknown };

async function attempt(key: string, options: WorkersOptions, hardStop: AbortSignal): Promise<Outcome> {
  const limit = new AbortController();
  const timeoutMs = options.timeoutMs ?? 120_000;
  const timer = setTimeout(
    () => limit.abort(new Error(`the work on ${key} did not end within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  const stop = (): void => limit.abort(hardStop.reason);
  hardStop.addEventListener('abort', stop, { once: true });
  try {
    const result = await options.reconcile(key, limit.signal);
    return result?.requeueAfterMs === undefined
      ? { result: 'success' }
      : { result: 'requeue_after', afterMs: result.requeueAfterMs };
  } catch (error) {
    return { result: error instanceof TerminalError ? 'terminal' : 'error', error };
  } finally {
    clearTimeout(timer);
    hardStop.removeEventListener('abort', stop);
  }
}

function tellOfFailure(key: string, error: unknown, { log, name, queue, signal }: WorkersOptions): void {
  if (!log) return;
  const fields = { controller: name, key, failures: queue.failuresOf(key), err: error };
  // The object was changed by somebody else meanwhile; normal, and healed by the next attempt.
  if (isConflict(error)) log.debug(fields, 'the object has changed meanwhile, it is read again');
  else if (signal.aborted) log.info(fields, 'the work was ended by the shutdown');
  else log.warn(fields, 'the work failed and is tried again');
}
