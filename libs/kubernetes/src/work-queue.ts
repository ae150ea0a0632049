import { RuntimeMetrics } from './metrics';

export interface WorkQueueOptions {
  /** Label of its metrics. */
  name: string;
  /** Delay after the first failure of a key (5 ms); doubled by each further one. */
  baseDelayMs?: number;
  /** Longest delay after failures (30 s). */
  maxDelayMs?: number;
  metrics?: RuntimeMetrics;
}

interface Delayed {
  dueAt: number;
  timer: NodeJS.Timeout;
}

interface Waiter {
  resolve(key: string): void;
  reject(reason: unknown): void;
}

/**
 * Keys of objects that need work, each at most once.
 *
 * - A key that waits already is not added a second time.
 * - A key is with one worker at most. Added meanwhile, it comes again after `done`, so that a change during the work is
 *   never lost.
 * - `addRateLimited` waits longer with every failure of the key, until `forget`.
 *
 * The algorithm is that of client-go's `util/workqueue`.
 */
export class WorkQueue {
  readonly name: string;
  private readonly baseDelayMs: number;
  private readonly maxDelayMs: number;
  private readonly metrics: RuntimeMetrics | undefined;
  /** Insertion order is the order of work; the value is when it was added. */
  private readonly waiting = new Map<string, number>();
  /** The value is when it was taken. */
  private readonly working = new Map<string, number>();
  /** Added while with a worker. */
  private readonly again = new Set<string>();
  private readonly delayed = new Map<string, Delayed>();
  private readonly failures = new Map<string, number>();
  private readonly waiters = new Set<Waiter>();
  private closed = false;

  constructor(options: WorkQueueOptions) {
    this.name = options.name;
    this.baseDelayMs = options.baseDelayMs ?? 5;
    this.maxDelayMs = options.maxDelayMs ?? 30_000;
    this.metrics = options.metrics;
    this.metrics?.queueDepth.set({ name: this.name }, 0);
  }

  /** Keys that wait for a worker; those delayed or being worked on do not count. */
  get depth(): number {
    return this.waiting.size;
  }

  /** Keys that come by themselves later. */
  get delayedCount(): number {
    return this.delayed.size;
  }

  /** Keys that are with a worker. */
  get inFlight(): number {
    return this.working.size;
  }

  /** To be worked on as soon as a worker is free; a delay that the key was waiting for ends. */
  add(key: string): void {
    if (this.closed) return;
    this.cancelDelay(key);
    if (this.waiting.has(key) || this.again.has(key)) return;
    this.metrics?.queueAdds.inc({ name: this.name });
    if (this.working.has(key)) {
      this.again.add(key);
      return;
    }
    this.waiting.set(key, performance.now());
    this.hand();
  }

  /** To be worked on in `ms`; of two delays of one key the earlier holds. */
  addAfter(key: string, ms: number): void {
    if (this.closed) return;
    if (ms <= 0) return this.add(key);
    // It is worked on before that anyway, and what comes of it says when it is wanted again.
    if (this.waiting.has(key) || this.again.has(key)) return;
    const dueAt = performance.now() + ms;
    const before = this.delayed.get(key);
    if (before && before.dueAt <= dueAt) return;
    this.cancelDelay(key);
    const timer = setTimeout(() => this.add(key), ms);
    this.delayed.set(key, { dueAt, timer });
  }

  /** After a failure: to be worked on again, later with every failure. */
  addRateLimited(key: string): void {
    if (this.closed) return;
    const failures = this.failures.get(key) ?? 0;
    this.failures.set(key, failures + 1);
    this.metrics?.queueRetries.inc({ name: this.name });
    this.addAfter(key, Math.min(this.maxDelayMs, this.baseDelayMs * 2 ** Math.min(failures, 40)));
  }

  /** The key is well: its next failure is its first. */
  forget(key: string): void {
    this.failures.delete(key);
  }

  /** Failures of the key since it was forgotten. */
  failuresOf(key: string): number {
    return this.failures.get(key) ?? 0;
  }

  /** Ends all delays after failures: what was waiting for a dependency is worked on now. */
  addDelayed(): void {
    for (const key of [...this.delayed.keys()]) this.add(key);
  }

  /**
   * The next key; the caller has it alone until it says `done`.
   *
   * @throws the signal's reason when it is aborted, an Error when the queue is closed
   */
  next(signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (this.closed) return reject(new Error(`the queue ${this.name} is closed`));
      const aborted = (): void => {
        this.waiters.delete(waiter);
        reject(signal.reason);
      };
      const settle = (): void => signal.removeEventListener('abort', aborted);
      const waiter: Waiter = {
        resolve: (key) => {
          settle();
          resolve(key);
        },
        reject: (reason) => {
          settle();
          reject(reason);
        },
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.waiters.add(waiter);
      this.hand();
    });
  }

  /** The worker is through with the key. */
  done(key: string): void {
    const takenAt = this.working.get(key);
    if (takenAt === undefined) return;
    this.working.delete(key);
    this.metrics?.workSeconds.observe({ name: this.name }, (performance.now() - takenAt) / 1000);
    if (!this.again.delete(key) || this.closed) return;
    this.waiting.set(key, performance.now());
    this.hand();
  }

  /** Ends delays and waiting workers; keys added from now on are dropped. */
  close(): void {
    this.closed = true;
    for (const { timer } of this.delayed.values()) clearTimeout(timer);
    this.delayed.clear();
    this.waiting.clear();
    this.again.clear();
    for (const waiter of this.waiters) waiter.reject(new Error(`the queue ${this.name} is closed`));
    this.waiters.clear();
    this.measure();
  }

  /** Brings the gauges up to now; metrics that grow by themselves have no event to be set at. */
  measure(): void {
    if (!this.metrics) return;
    const now = performance.now();
    let sum = 0;
    let longest = 0;
    for (const takenAt of this.working.values()) {
      sum += now - takenAt;
      longest = Math.max(longest, now - takenAt);
    }
    this.metrics.unfinishedWork.set({ name: this.name }, sum / 1000);
    this.metrics.longestRunning.set({ name: this.name }, longest / 1000);
    this.metrics.queueDepth.set({ name: this.name }, this.waiting.size);
  }

  private cancelDelay(key: string): void {
    const before = this.delayed.get(key);
    if (!before) return;
    clearTimeout(before.timer);
    this.delayed.delete(key);
  }

  /** Gives waiting keys to waiting workers. */
  private hand(): void {
    for (const waiter of this.waiters) {
      const [first] = this.waiting;
      if (!first) break;
      const [key, addedAt] = first;
      this.waiting.delete(key);
      this.waiters.delete(waiter);
      const now = performance.now();
      this.working.set(key, now);
      this.metrics?.queueSeconds.observe({ name: this.name }, (now - addedAt) / 1000);
      waiter.resolve(key);
    }
    this.metrics?.queueDepth.set({ name: this.name }, this.waiting.size);
  }
}
