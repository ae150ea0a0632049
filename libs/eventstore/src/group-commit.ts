import { isUnavailable } from '@headwater/sql';
import { LogRefused, Overloaded, StoreUnavailable, UnknownLog } from './errors';
import { AppendOutcome, PreparedAppend } from './request';
import { AppendResult } from '@headwater/contracts';

export interface GroupCommitLimits {
  /** Events and bytes of one batch; a single larger append makes a batch of its own. */
  batchEvents: number;
  batchBytes: number;
  /** What may wait; more is refused at once. */
  queuedAppends: number;
  queuedBytes: number;
}

export const GROUP_COMMIT_LIMITS: GroupCommitLimits = {
  batchEvents: 1_000,
  batchBytes: 8 * 1024 * 1024,
  queuedAppends: 20_000,
  queuedBytes: 64 * 1024 * 1024,
};

interface Waiting {
  append: PreparedAppend;
  signal: AbortSignal | undefined;
  resolve: (result: AppendResult) => void;
  reject: (error: unknown) => void;
}

/**
 * Commits the appends of one log in batches: at once when nothing is under way, else whatever has been collected when
 * the batch under way is done. There is no linger: a lone append waits for nobody.
 */
export class GroupCommit {
  private queue: Waiting[] = [];
  private queuedBytes = 0;
  private running: Promise<void> | undefined;
  private closed = false;

  constructor(
    private readonly log: string,
    private readonly commit: (batch: readonly PreparedAppend[]) => Promise<AppendOutcome[]>,
    private readonly limits: GroupCommitLimits = GROUP_COMMIT_LIMITS,
  ) {}

  /** An append whose signal is aborted before its batch begins is not stored. */
  append(append: PreparedAppend, signal?: AbortSignal): Promise<AppendResult> {
    if (this.closed) return Promise.reject(new StoreUnavailable(new Error('the event store is closing')));
    const { queuedAppends, queuedBytes } = this.limits;
    if (this.queue.length >= queuedAppends || this.queuedBytes + append.bytes > queuedBytes)
      return Promise.reject(new Overloaded(this.log, 100));
    return new Promise((resolve, reject) => {
      this.queue.push({ append, signal, resolve, reject });
      this.queuedBytes += append.bytes;
      // As a microtask later, so that appends handed in together are committed together.
      this.running ??= Promise.resolve().then(() => this.run());
    });
  }

  /** Takes no more, and resolves when what was taken is done. */
  async close(): Promise<void> {
    this.closed = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.queue.length > 0) await this.runBatch(this.nextBatch());
    this.running = undefined;
  }

  private nextBatch(): Waiting[] {
    let events = 0;
    let bytes = 0;
    let length = 0;
    for (const { append } of this.queue) {
      events += append.count;
      bytes += append.bytes;
      if (length > 0 && (events > this.limits.batchEvents || bytes > this.limits.batchBytes)) break;
      length++;
      this.queuedBytes -= append.bytes;
    }
    const taken = this.queue.splice(0, length);
    return taken.filter(({ signal, reject }) => {
      if (signal?.aborted) reject(signal.reason);
      return !signal?.aborted;
    });
  }

  private async runBatch(batch: Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      const outcomes = await this.commit(batch.map(({ append }) => append));
      batch.forEach(({ resolve, reject }, index) => {
        const outcome = outcomes[index] ?? new Error('the batch gave no outcome for this append');
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      });
    } catch (error) {
      if (concernsAll(error) || batch.length === 1) {
        const reason = isUnavailable(error) ? new StoreUnavailable(error) : error;
        for (const { reject } of batch) reject(reason);
        return;
      }
      // One of them is something that SQL will not take and no check foresaw; the others must not suffer.
      for (const one of batch) await this.runBatch([one]);
    }
  }
}

const concernsAll = (error: unknown): boolean =>
  error instanceof UnknownLog || error instanceof LogRefused || isUnavailable(error);
