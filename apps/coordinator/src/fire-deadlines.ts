import type { Pool } from 'pg';
import { CONSUMERS, LOGS, MoneyError, UndecodableEvent } from '@headwater/contracts';
import { adviceOn } from '@headwater/eventstore-client';
import { DeadLetterSink, DEFAULT_RETRY_POLICY, Log } from '@headwater/nest-jetstream';
import { CoordinatorPolicy, ImpossibleHistory } from '@headwater/order-domain';
import { Dependency, messageOf } from '@headwater/platform';
import { backoffMs, inTransaction, isUnavailable, pause } from '@headwater/sql';
import { CoordinatorMetrics } from './coordinator-metrics';
import { Deadline, dueDeadlines, postponeDeadline, removeDeadlines } from './deadline-rows';
import { decideOrder, OrderStore } from './decide-order';

export interface FiringOptions {
  pool: Pool;
  store: OrderStore;
  deadLetters: DeadLetterSink;
  policy: CoordinatorPolicy;
  defaultCurrency: string;
  /** This replica: host and pid. */
  holder: string;
  metrics: CoordinatorMetrics;
  log: Log;
  /** Down while the event store or the database is away. */
  deciding: Dependency;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Longest time between two looks at the deadlines. */
  pollMs: number;
}

/** Deadlines taken at a time, and decisions under way at once. */
const TAKEN = 256;
const AT_ONCE = 32;

/** Looks for deadlines that are over and decides about their orders, until it is stopped. */
export class FireDeadlines {
  private readonly failures = new Map<string, number>();
  private wakeUp: (() => void) | undefined;

  constructor(private readonly options: FiringOptions) {}

  /** There may be something due at once. */
  wake(): void {
    this.wakeUp?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let outages = 0; !signal.aborted;) {
      try {
        const fired = await this.fireDue(signal);
        this.options.deciding.up();
        outages = 0;
        if (fired < TAKEN) await this.rest(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.options.deciding.down(messageOf(error));
        this.options.log.warn({ err: error }, 'deadlines could not be looked at');
        await pause(backoffMs(outages++, 100, 2_000), signal);
      }
    }
  }

  /**
   * Decides about every order whose deadline is over by now, at most `TAKEN` of them.
   *
   * @returns how many deadlines were over
   * @throws when the event store or the database is away; what has been decided by then is decided
   */
  async fireDue(signal?: AbortSignal): Promise<number> {
    const { pool, now } = this.options;
    const due = await dueDeadlines(pool, now(), TAKEN);
    const done: Deadline[] = [];
    const left = [...due];
    let outage: unknown;
    const work = async (): Promise<void> => {
      for (let deadline = left.shift(); deadline && !outage && !signal?.aborted; deadline = left.shift()) {
        try {
          if (await this.fire(deadline, signal)) done.push(deadline);
        } catch (error) {
          outage ??= error;
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, due.length) }, work));
    // Deadlines are being recorded meanwhile, which can lock the same rows in another order: one of the two runs again.
    if (done.length > 0)
      await inTransaction(pool, (client) => removeDeadlines(client, done), { idempotent: true });
    if (outage) throw outage;
    return due.length;
  }

  /** True when the deadline has served. */
  private async fire(deadline: Deadline, signal?: AbortSignal): Promise<boolean> {
    const { pool, store, policy, defaultCurrency, holder, metrics, now } = this.options;
    try {
      const options = { policy, defaultCurrency, holder, now: now(), ...(signal ? { signal } : {}) };
      const outcome = await decideOrder(store, deadline, options);
      this.failures.delete(keyOf(deadline));
      if (outcome === 'over') {
        metrics.fired(deadline.step, 'over');
        return true;
      }
      if ('laterAt' in outcome) {
        metrics.fired(deadline.step, 'later');
        await postponeDeadline(pool, deadline, outcome.laterAt);
        return false;
      }
      metrics.fired(deadline.step, outcome.decided);
      metrics.late((now() - deadline.dueAt) / 1000);
      return true;
    } catch (error) {
      if (signal?.aborted || adviceOn(error) === 'wait' || isUnavailable(error)) throw error;
      return this.failed(deadline, error);
    }
  }

  /** An order that can't be decided on holds up no other: it is tried again later, and in the end handed to a person. */
  private async failed(deadline: Deadline, error: unknown): Promise<boolean> {
    const { pool, log, metrics, now } = this.options;
    const { attempts, firstDelayMs, maxDelayMs } = DEFAULT_RETRY_POLICY;
    const failures = (this.failures.get(keyOf(deadline)) ?? 0) + 1;
    metrics.fired(deadline.step, 'failed');
    if (!isTerminal(error) && failures < attempts) {
      this.failures.set(keyOf(deadline), failures);
      log.warn({ err: error, order: deadline.orderId, failures }, 'no decision could be made; trying again');
      const waitMs = Math.min(maxDelayMs, firstDelayMs * 2 ** failures);
      await postponeDeadline(pool, deadline, now() + waitMs);
      return false;
    }
    await this.park(deadline, error, failures);
    this.failures.delete(keyOf(deadline));
    return true;
  }

  private async park(deadline: Deadline, error: unknown, attempts: number): Promise<void> {
    const { store, deadLetters, log, metrics } = this.options;
    const { orderId, step, version } = deadline;
    const [began] = await store.readAggregate(LOGS.orders, orderId, { fromVersion: version, limit: 1 });
    if (!began) throw new Error(`order ${orderId} has no version ${version}`, { cause: error });
    const at = new Date().toISOString();
    await deadLetters.park({
      stream: LOGS.orders,
      consumer: CONSUMERS.coordinator,
      sequence: began.position,
      redrive: 0,
      event: {
        log: began.log,
        position: began.position,
        event_id: began.eventId,
        event_type: began.eventType,
        aggregate_id: began.aggregateId,
      },
      error: { name: error instanceof Error ? error.name : 'Error', message: messageOf(error) },
      reason: isTerminal(error) ? 'terminal' : 'attempts',
      attempts,
      first_failure: at,
      last_failure: at,
    });
    metrics.fired(step, 'parked');
    log.error({ err: error, order: orderId, step }, 'no decision can be made; parked as a dead letter');
  }

  private rest(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.wakeUp = undefined;
        resolve();
      };
      const timer = setTimeout(done, this.options.pollMs);
      this.wakeUp = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }
}

const keyOf = ({ orderId, step, version }: Deadline): string => `${orderId} ${step} ${version}`;
/** No retry helps. */
export const isTerminal = (error: unknown): boolean =>
  error instanceof UndecodableEvent ||
  error instanceof ImpossibleHistory ||
  error instanceof MoneyError ||
  adviceOn(error) === 'give-up';
