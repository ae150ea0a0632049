import type { Logger } from 'pino';
import { LOGS, RecordedEvent } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';

/** Told of an order's events as they are appended. */
export type Listener = (event: RecordedEvent) => void;

/** How long the log is followed after the last watcher has gone. */
const LINGER_MS = 5_000;
const RETRY_FIRST_MS = 100;
const RETRY_MOST_MS = 2_000;

/**
 * Tells watchers what happens to their orders. One reading of the log serves all of them, so that a thousand watchers
 * cost what one costs; while nobody watches, nothing is read.
 */
export class OrderWatchers {
  private readonly listeners = new Map<string, Set<Listener>>();
  private following: { stop: AbortController; started: Promise<void>; ended: Promise<void> } | undefined;
  private linger: NodeJS.Timeout | undefined;
  private readonly closers = new Set<() => void>();
  private closed = false;
  private open = 0;

  constructor(
    private readonly store: Pick<EventStoreClient, 'getLog' | 'followLog'>,
    private readonly log: Pick<Logger, 'warn'>,
  ) {}

  get count(): number {
    return this.open;
  }

  /**
   * From when it resolves, the listener hears of every event of the order that a reading of its history before did not
   * have; it may hear of some that it had.
   *
   * @param close called when the process ends
   * @returns how to leave
   * @throws EventStoreUnavailable
   */
  async join(orderId: string, listener: Listener, close: () => void): Promise<() => void> {
    const listeners = this.listeners.get(orderId) ?? new Set();
    this.listeners.set(orderId, listeners.add(listener));
    this.closers.add(close);
    this.open++;
    clearTimeout(this.linger);
    const leave = (): void => {
      if (!listeners.delete(listener)) return;
      if (listeners.size === 0) this.listeners.delete(orderId);
      this.closers.delete(close);
      this.open--;
      if (this.open === 0 && !this.closed) this.linger = setTimeout(() => this.stopFollowing(), LINGER_MS);
    };
    try {
      this.following ??= this.follow();
      await this.following.started;
      if (this.closed) close();
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  private follow(): NonNullable<OrderWatchers['following']> {
    const stop = new AbortController();
    // Whoever reads a history after this has everything up to here.
    const head = this.store.getLog(LOGS.orders).then(({ head: position }) => position);
    const started = head.then(() => undefined);
    started.catch(() => {
      if (this.following?.stop === stop) this.following = undefined;
    });
    const ended = head.then(
      (position) => this.read(position, stop.signal),
      () => undefined,
    );
    return { stop, started, ended };
  }

  /** Goes on where it was when the reading breaks off: no watcher misses anything. */
  private async read(from: number, signal: AbortSignal): Promise<void> {
    let after = from;
    for (let retryMs = RETRY_FIRST_MS; !signal.aborted;) {
      try {
        for await (const page of this.store.followLog(LOGS.orders, { after, signal })) {
          for (const event of page.events)
            for (const listener of this.listeners.get(event.aggregateId) ?? []) listener(event);
          after = page.position;
          retryMs = RETRY_FIRST_MS;
        }
      } catch (error) {
        if (signal.aborted) return;
        this.log.warn({ err: error }, 'the log could not be followed for watchers; trying again');
        await new Promise((resolve) => setTimeout(resolve, retryMs));
        retryMs = Math.min(RETRY_MOST_MS, retryMs * 2);
      }
    }
  }

  private stopFollowing(): void {
    this.following?.stop.abort();
    this.following = undefined;
  }

  /** Ends every watch; a client comes back elsewhere and goes on where it was. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.linger);
    for (const close of [...this.closers]) close();
    const { following } = this;
    this.stopFollowing();
    await following?.ended;
  }
}
