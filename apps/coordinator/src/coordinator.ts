import type { NatsConnection } from '@nats-io/transport-node';
import type { Pool } from 'pg';
import { RecordedEvent } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';
import { DeadLetterSink, Log } from '@headwater/nest-jetstream';
import { CoordinatorPolicy } from '@headwater/order-domain';
import { Dependency, messageOf } from '@headwater/platform';
import { backoffMs, Lease, pause, whileHolding } from '@headwater/sql';
import { CoordinatorMetrics } from './coordinator-metrics';
import { FireDeadlines } from './fire-deadlines';
import { followOrders } from './follow-orders';
import { COORDINATOR_LEASE, readProgress } from './progress';
import { recordDeadlines } from './record-deadlines';

export interface CoordinatorOptions {
  pool: Pool;
  store: Pick<EventStoreClient, 'append' | 'readAggregate' | 'readLog' | 'getLog'>;
  nats: NatsConnection;
  deadLetters: DeadLetterSink;
  /** Identifies this replica: host and pid. */
  holder: string;
  policy: CoordinatorPolicy;
  defaultCurrency: string;
  metrics: CoordinatorMetrics;
  log: Log;
  /** Whether deadlines are kept and fired; up while another replica does. */
  deadlines: Dependency;
  /** Whether the consumer delivers; up while another replica works. */
  consumer: Dependency;
  /** Whether decisions can be made. */
  deciding: Dependency;
  /** Milliseconds since 1970. */
  now?: () => number;
  gatherMs?: number;
  pollMs?: number;
  leaseMs?: number;
}

/**
 * Short, because deadlines wait while the lease of a killed replica runs out; losing it for a moment costs nothing, the
 * next holder goes on at the checkpoint.
 */
const LEASE_MS = 2_000;

/**
 * Brings every order to an end. One replica at a time keeps the deadlines, by a lease whose epoch is part of every
 * checkpoint's update, and decides when they are over. The lease only saves work: what two replicas decide at once is
 * settled by the order's version and the derived ids.
 */
export class Coordinator {
  constructor(private readonly options: CoordinatorOptions) {}

  /** Works, or stands by while another replica does, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { pool, holder, log, consumer, deadlines, deciding, metrics, leaseMs = LEASE_MS } = this.options;
    for (let failures = 0; !signal.aborted;) {
      // Standing by is doing one's work; after a failure it shows only with time whether another replica has the lease.
      const standingBy = setTimeout(
        () => [consumer, deadlines, deciding].forEach((dependency) => dependency.up()),
        failures === 0 ? 0 : 1_500,
      );
      const held = {
        holder,
        ttlMs: leaseMs,
        pollMs: 250,
        signal,
        onStandby: () => deadlines.up(),
        onError: (error: unknown) => deadlines.down(`the coordinator's database: ${messageOf(error)}`),
      };
      try {
        await whileHolding(pool, COORDINATOR_LEASE, held, async (lease, holding) => {
          clearTimeout(standingBy);
          log.info({ epoch: lease.epoch }, 'coordinating');
          metrics.holder(true);
          await this.coordinate(lease, holding, () => (failures = 0)).finally(() => metrics.holder(false));
        });
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: error }, 'coordinating was interrupted');
        deadlines.down(messageOf(error));
        failures++;
      } finally {
        clearTimeout(standingBy);
      }
      await pause(failures === 0 ? 200 : backoffMs(failures, 100, 2_000), signal);
    }
  }

  /** Follows the log and, from its end on, fires; both end together. */
  private async coordinate(lease: Lease, signal: AbortSignal, working: () => void): Promise<void> {
    const { pool, store, nats, policy, metrics, deadlines, consumer } = this.options;
    let { checkpoint } = await readProgress(pool);
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const firing = new FireDeadlines({
      ...this.options,
      now: this.options.now ?? Date.now,
      pollMs: this.options.pollMs ?? 250,
    });
    let fired: Promise<void> | undefined;
    try {
      await followOrders(
        {
          nats,
          store,
          consumer,
          position: () => checkpoint,
          take: async (events: readonly RecordedEvent[]) => {
            checkpoint = await recordDeadlines(pool, checkpoint, events, { epoch: lease.epoch, policy });
            metrics.recorded(events.length, checkpoint);
            deadlines.up();
            working();
            firing.wake();
          },
          gatherMs: this.options.gatherMs ?? 200,
          // Before that, what a deadline stands for may have happened long ago.
          caughtUp: () => {
            deadlines.up();
            working();
            fired = firing.run(either);
          },
        },
        either,
      );
    } finally {
      stop.abort();
      await fired;
    }
  }
}
