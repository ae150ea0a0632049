import type { Pool } from 'pg';
import { LOGS, RecordedEvent } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';
import { DeadLetterSink } from '@headwater/nest-jetstream';
import {
  advanceCheckpoint,
  beside,
  findPark,
  listVersions,
  markReady,
  OrderTable,
  readCheckpoint,
  recordStop,
} from '@headwater/order-read-model';
import { backoffMs, Lease, pause, whileHolding } from '@headwater/sql';
import { applyEvents } from './apply-events';
import { parkPoison } from './park-poison';
import { PoisonEvent } from './project';
import { ProjectionMetrics } from './projection-metrics';
import { RowCache } from './row-cache';

export interface FillOptions {
  pool: Pool;
  store: Pick<EventStoreClient, 'readLog'>;
  deadLetters: DeadLetterSink;
  /** Identifies this replica: host and pid. */
  holder: string;
  defaultCurrency: string;
  metrics: ProjectionMetrics;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

const LEASE_MS = 3_000;
/** How often it is looked whether there are versions to be filled. */
const LOOK_MS = 500;
/** Rest at the log's end. The last bit of the way is all that a switch waits for. */
const REST_MS = 200;
const PARK_POLL_MS = 500;
const BATCH = 1_000;

/**
 * Fills the versions beside the active one from the log, and keeps them at its end. One replica a version, by a lease of its
 * own whose epoch is part of every checkpoint's update; so a killed one is followed by another, at the checkpoint. None of
 * this touches what the order API reads, nor whether this process is ready.
 */
export class FillVersions {
  constructor(private readonly options: FillOptions) {}

  /** Works until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { pool, log } = this.options;
    const filling = new Map<number, { stop: AbortController; done: Promise<void> }>();
    while (!signal.aborted) {
      try {
        const versions = (await listVersions(pool)).filter(({ state }) => state !== 'active');
        for (const { version } of versions) {
          if (filling.has(version)) continue;
          const stop = new AbortController();
          const done = this.hold(version, AbortSignal.any([signal, stop.signal]))
            .catch((error: unknown) => log.warn({ err: error, version }, 'a version can not be filled'))
            .finally(() => filling.delete(version));
          filling.set(version, { stop, done });
        }
        for (const [version, { stop }] of filling)
          if (!versions.some((known) => known.version === version)) stop.abort();
      } catch (error) {
        log.warn({ err: error }, 'the versions of the read model could not be looked up');
      }
      await pause(LOOK_MS, signal);
    }
    await Promise.all([...filling.values()].map(({ done }) => done));
  }

  private async hold(version: number, signal: AbortSignal): Promise<void> {
    const { pool, holder, log } = this.options;
    const row = { table: 'projections', keyColumn: 'name', key: beside(version).projection };
    const options = {
      holder,
      ttlMs: LEASE_MS,
      pollMs: LOOK_MS,
      signal,
      onError: (error: unknown) => log.warn({ err: error, version }, 'the lease of a version was not had'),
    };
    await whileHolding(pool, row, options, (lease, held) => this.fill(version, lease, held));
  }

  /** Ends when the version is another's, read or gone. */
  private async fill(version: number, lease: Lease, signal: AbortSignal): Promise<void> {
    const { pool, store, log } = this.options;
    const of = beside(version);
    const cache = new RowCache();
    let { checkpoint } = await readCheckpoint(pool, of);
    log.info({ version, checkpoint }, 'filling a version of the read model');
    for (let failures = 0; !signal.aborted;) {
      try {
        for await (const page of store.readLog(LOGS.orders, { after: checkpoint, signal })) {
          checkpoint = await this.apply(page, checkpoint, { of, cache, lease, signal });
          failures = 0;
          this.options.metrics.filled(version, checkpoint);
          if (signal.aborted) return;
        }
        await markReady(pool, version);
        await pause(REST_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        const now = await readCheckpoint(pool, of).catch(() => undefined);
        // Read, gone, or held by another replica; all of them have another epoch or no row.
        if (now && now.epoch !== lease.epoch) return;
        log.warn({ err: error, version }, 'filling a version was interrupted');
        checkpoint = now?.checkpoint ?? checkpoint;
        await pause(backoffMs(failures++, 100, 5_000), signal);
      }
    }
  }

  private async apply(
    page: readonly RecordedEvent[],
    from: number,
    { of, cache, lease, signal }: { of: OrderTable; cache: RowCache; lease: Lease; signal: AbortSignal },
  ): Promise<number> {
    const { pool, defaultCurrency } = this.options;
    let checkpoint = from;
    for (let left = page; left.length > 0 && !signal.aborted;) {
      const { checkpoint: reached, poison } = await applyEvents(checkpoint, left.slice(0, BATCH), {
        pool,
        cache,
        epoch: lease.epoch,
        defaultCurrency,
        of,
      });
      checkpoint = poison ? await this.leaveOut(poison, reached, of, lease, signal) : reached;
      left = left.filter(({ position }) => position > checkpoint);
    }
    return checkpoint;
  }

  /** An event that was left out of the read model is left out here too; any other stops the version until it is. */
  private async leaveOut(
    poison: PoisonEvent,
    checkpoint: number,
    of: OrderTable,
    lease: Lease,
    signal: AbortSignal,
  ): Promise<number> {
    const { pool, deadLetters, log } = this.options;
    const { position } = poison.event;
    const firstFailure = new Date().toISOString();
    for (let told = false; !signal.aborted; told = true) {
      const request = await findPark(pool, position);
      if (request) {
        await parkPoison(deadLetters, poison, request, firstFailure);
        await advanceCheckpoint(pool, checkpoint, position, lease.epoch, of);
        return position;
      }
      const reason = `stopped at ${poison.message}; mend it, or leave it out: headwater projections park ${position} --reason "..."`;
      if (!told) {
        log.warn({ err: poison, position }, 'a version is stopped by a poison event');
        await recordStop(pool, reason, of);
      } else if ((await readCheckpoint(pool, of)).epoch !== lease.epoch) break;
      await pause(PARK_POLL_MS, signal);
    }
    return checkpoint;
  }
}
