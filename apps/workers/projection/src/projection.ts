import type { NatsConnection } from '@nats-io/transport-node';
import type { Pool } from 'pg';
import { CONSUMERS, LOGS, RecordedEvent } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';
import { BatchPull, DeadLetterSink, PulledMessage } from '@headwater/nest-jetstream';
import {
  ACTIVE,
  advanceCheckpoint,
  CheckpointLost,
  findPark,
  readCheckpoint,
  recordStop,
} from '@headwater/order-read-model';
import { Dependency, messageOf } from '@headwater/platform';
import { backoffMs, Lease, pause, whileHolding } from '@headwater/sql';
import { applyEvents } from './apply-events';
import { parkPoison } from './park-poison';
import { PoisonEvent } from './project';
import { ProjectionMetrics } from './projection-metrics';
import { RowCache } from './row-cache';

export interface ProjectionOptions {
  pool: Pool;
  store: EventStoreClient;
  nats: NatsConnection;
  deadLetters: DeadLetterSink;
  /** Identifies this replica: host and pid. */
  holder: string;
  defaultCurrency: string;
  metrics: ProjectionMetrics;
  log: Pick<Console, 'info' | 'warn' | 'error'> | { info: LogLine; warn: LogLine; error: LogLine };
  /** Whether the read model moves; down while it is stopped by a poison event. */
  progress: Dependency;
  /** Whether the consumer delivers; up while another replica works. */
  consumer: Dependency;
}

type LogLine = (fields: object, message: string) => void;

const LEASE_MS = 3_000;
/** Longest time without a message until the log itself is asked whether there is more. */
const QUIET_MS = 5_000;
const PARK_POLL_MS = 500;

/**
 * Keeps the order read model equal to the log. One replica at a time, by a lease whose epoch is part of every
 * checkpoint's update; strictly position by position. JetStream brings the events while all is well; whatever it does
 * not bring is read from the log, so a lost message or a recreated stream costs time and nothing else.
 */
export class Projection {
  private readonly cache = new RowCache();
  private checkpoint = 0;

  constructor(private readonly options: ProjectionOptions) {}

  /** Works, or stands by while another replica does, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { pool, holder, log, consumer, progress } = this.options;
    const row = { table: 'projections', keyColumn: 'name', key: ACTIVE.projection };
    while (!signal.aborted) {
      // Standing by is doing one's work.
      consumer.up();
      progress.up();
      await whileHolding(
        pool,
        row,
        {
          holder,
          ttlMs: LEASE_MS,
          pollMs: 500,
          signal,
          onStandby: () => progress.up(),
          onError: (error) => progress.down(`the read model's database: ${messageOf(error)}`),
        },
        async (lease, held) => {
          log.info({ epoch: lease.epoch }, 'projecting');
          this.options.metrics.holder(true);
          await this.project(lease, held).catch((error: unknown) => {
            if (!held.aborted) log.warn({ err: error }, 'projecting was interrupted');
          });
          this.options.metrics.holder(false);
        },
      ).catch((error: unknown) => log.warn({ err: error }, 'the lease could not be kept'));
      if (!signal.aborted) await pause(200, signal);
    }
  }

  private async project(lease: Lease, signal: AbortSignal): Promise<void> {
    this.cache.clear();
    ({ checkpoint: this.checkpoint } = await readCheckpoint(this.options.pool));
    const pull = new BatchPull({
      connection: this.options.nats,
      stream: LOGS.orders,
      consumer: CONSUMERS.projection,
      readiness: this.options.consumer,
      maxBatch: 1_000,
      capacity: 4_000,
    });
    const stop = (): void => void pull.stop();
    signal.addEventListener('abort', stop);
    try {
      await this.catchUp(lease, Infinity, signal);
      pull.start();
      while (!signal.aborted) {
        const quiet = setInterval(() => void this.askLog(lease, signal), QUIET_MS);
        const batch = await pull.next().finally(() => clearInterval(quiet));
        if (!batch) break;
        await this.exclusively(() => this.take(batch.messages, lease, signal));
        if (!signal.aborted) batch.ackAll();
      }
    } finally {
      signal.removeEventListener('abort', stop);
      await pull.stop();
    }
  }

  /** Applies what is new among the messages; what is missing before them, or is no event, comes from the log. */
  private async take(messages: readonly PulledMessage[], lease: Lease, signal: AbortSignal): Promise<void> {
    const fresh = new Map<number, RecordedEvent | undefined>();
    for (const { sequence, event } of messages) if (sequence > this.checkpoint) fresh.set(sequence, event);
    const sequences = [...fresh.keys()].sort((a, b) => a - b);
    let run: RecordedEvent[] = [];
    for (const sequence of sequences) {
      if (signal.aborted) return;
      const event = fresh.get(sequence);
      const next = this.checkpoint + run.length + 1;
      if (event !== undefined && sequence === next) {
        run.push(event);
        continue;
      }
      await this.apply(run, lease, signal);
      run = [];
      if (event !== undefined && sequence === this.checkpoint + 1) run.push(event);
      else await this.catchUp(lease, sequence, signal);
    }
    await this.apply(run, lease, signal);
  }

  /** Reads the log from the checkpoint to `until`, or to its end. */
  private async catchUp(lease: Lease, until: number, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted && this.checkpoint < until;) {
      try {
        for await (const page of this.options.store.readLog(LOGS.orders, {
          after: this.checkpoint,
          signal,
        })) {
          const events = page.filter(({ position }) => position <= until);
          await this.apply(events, lease, signal);
          if (signal.aborted || this.checkpoint >= until) return;
        }
        // A position that the log does not have yet will be delivered when it does. An empty log has nothing to apply,
        // so it is here that the event store is seen to be back.
        this.options.progress.up();
        return;
      } catch (error) {
        if (signal.aborted || error instanceof CheckpointLost) throw error;
        this.options.log.warn({ err: error }, 'the log could not be read');
        this.options.progress.down(`the event store: ${messageOf(error)}`);
        await pause(backoffMs(failures++, 100, 2_000), signal);
      }
    }
  }

  /** Applies a gapless run, again and again while SQL is away, and waits at a poison event until it is parked. */
  private async apply(events: readonly RecordedEvent[], lease: Lease, signal: AbortSignal): Promise<void> {
    const { pool, defaultCurrency, metrics, progress, log } = this.options;
    let left = events;
    for (let failures = 0; left.length > 0 && !signal.aborted;) {
      try {
        const started = performance.now();
        const { checkpoint, poison } = await applyEvents(this.checkpoint, left, {
          pool,
          cache: this.cache,
          epoch: lease.epoch,
          defaultCurrency,
        });
        metrics.applied(checkpoint - this.checkpoint, (performance.now() - started) / 1000, checkpoint);
        this.checkpoint = checkpoint;
        if (poison) await this.standStill(poison, lease, signal);
        else progress.up();
        failures = 0;
      } catch (error) {
        if (error instanceof CheckpointLost && (await this.lostTo(lease))) throw error;
        log.warn({ err: error }, 'applying failed');
        progress.down(`the read model's database: ${messageOf(error)}`);
        await pause(backoffMs(failures++, 50, 2_000), signal);
        await this.readOwnCheckpoint();
      }
      left = left.filter(({ position }) => position > this.checkpoint);
    }
  }

  /** A COMMIT without an answer may have moved the checkpoint under our own epoch; only another epoch is a loss. */
  private async lostTo(lease: Lease): Promise<boolean> {
    return (await readCheckpoint(this.options.pool)).epoch !== lease.epoch;
  }

  private async readOwnCheckpoint(): Promise<void> {
    try {
      ({ checkpoint: this.checkpoint } = await readCheckpoint(this.options.pool));
    } catch {
      // The next attempt to apply finds out.
    }
  }

  /** Stops visibly: in the log, in readiness, in the metrics and in the read model itself. Goes on when it is parked. */
  private async standStill(poison: PoisonEvent, lease: Lease, signal: AbortSignal): Promise<void> {
    const { pool, log, metrics, progress } = this.options;
    const { position } = poison.event;
    const reason = `stopped at ${poison.message}; mend it, or leave it out: headwater projections park ${position} --reason "..."`;
    log.error({ err: poison, position }, 'the projection is stopped by a poison event');
    metrics.stopped(true);
    progress.down(reason);
    const firstFailure = new Date().toISOString();
    for (let recorded = false; !signal.aborted;) {
      try {
        if (!recorded) await recordStop(pool, reason);
        recorded = true;
        const request = await findPark(pool, position);
        if (request) {
          await parkPoison(this.options.deadLetters, poison, request, firstFailure);
          await advanceCheckpoint(pool, this.checkpoint, position, lease.epoch);
          this.checkpoint = position;
          metrics.stopped(false);
          progress.up();
          log.warn({ position, by: request.by, reason: request.reason }, 'parked; going on');
          return;
        }
      } catch (error) {
        if (error instanceof CheckpointLost) throw error;
        log.warn({ err: error }, 'parking failed');
      }
      await pause(PARK_POLL_MS, signal);
    }
  }

  private asking = false;

  /**
   * Nothing has come for a while: if the log has more than the read model, the stream has lost it. If not, store and
   * database have just answered, and whatever outage was told without an event to end it is over.
   */
  private async askLog(lease: Lease, signal: AbortSignal): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    const { store, pool, progress, log } = this.options;
    try {
      const { head } = await store.getLog(LOGS.orders);
      if (head > this.checkpoint) await this.exclusively(() => this.catchUp(lease, head, signal));
      else {
        await readCheckpoint(pool);
        progress.up();
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'the log could not be asked for news');
    } finally {
      this.asking = false;
    }
  }

  private turn: Promise<void> = Promise.resolve();

  /** One application at a time: the checkpoint is read before and written after. */
  private exclusively(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }
}
