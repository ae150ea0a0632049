import { pause, Queryable } from '@headwater/sql';
import { getHead } from './get-log';

interface Watch {
  head: number;
  waiting: Set<Waiter>;
  polling: boolean;
  /** Polls since the log last grew. */
  polls: number;
}

interface Waiter {
  beyond: number;
  wake: (head: number) => void;
  fail: (error: unknown) => void;
}

const POLL_FIRST_MS = 50;
const POLL_MOST_MS = 1_000;

/**
 * How far each log is, for those who follow it. Commits of this process are told at once; those of other replicas are
 * found by one poll per log and process, however many follow, and none while nobody does.
 */
export class LogHeads {
  private readonly watches = new Map<string, Watch>();
  private readonly closing = new AbortController();

  constructor(private readonly client: Queryable) {}

  committed(log: string, head: number): void {
    const watch = this.watches.get(log);
    if (!watch || head <= watch.head) return;
    watch.head = head;
    watch.polls = 0;
    for (const waiter of watch.waiting) if (head > waiter.beyond) waiter.wake(head);
  }

  /** Resolves with the head when it is beyond `position`; undefined after `ms`, or when the signal is aborted. */
  beyond(log: string, position: number, ms: number, signal?: AbortSignal): Promise<number | undefined> {
    const watch = this.watch(log);
    if (watch.head > position) return Promise.resolve(watch.head);
    if (signal?.aborted) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timeout);
        signal?.removeEventListener('abort', giveUp);
        watch.waiting.delete(waiter);
      };
      const giveUp = (): void => {
        leave();
        resolve(undefined);
      };
      const waiter: Waiter = {
        beyond: position,
        wake: (head) => {
          leave();
          resolve(head);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      const timeout = setTimeout(giveUp, ms);
      signal?.addEventListener('abort', giveUp, { once: true });
      watch.waiting.add(waiter);
      if (!watch.polling) void this.poll(log, watch);
    });
  }

  /** Ends the polling. */
  close(): void {
    this.closing.abort();
  }

  private watch(log: string): Watch {
    let watch = this.watches.get(log);
    if (!watch) {
      watch = { head: 0, waiting: new Set(), polling: false, polls: 0 };
      this.watches.set(log, watch);
    }
    return watch;
  }

  /** Until nobody waits any more. */
  private async poll(log: string, watch: Watch): Promise<void> {
    watch.polling = true;
    for (;;) {
      await pause(Math.min(POLL_MOST_MS, POLL_FIRST_MS * 2 ** watch.polls++), this.closing.signal);
      if (watch.waiting.size === 0 || this.closing.signal.aborted) break;
      try {
        this.committed(log, await getHead(this.client, log));
      } catch (error) {
        for (const waiter of watch.waiting) waiter.fail(error);
      }
    }
    watch.polling = false;
  }
}
