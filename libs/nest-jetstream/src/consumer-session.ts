import { Subscription } from '@nats-io/transport-node';
import { Registry } from 'prom-client';
import { type GivenUp, watchGivenUp } from './advisories';
import { bind, Binding, BindingFault } from './binding';
import { parkedOf } from './dead-letter';
import { deliveryFromLog, deliveryOf } from './delivery';
import { describeError, verdictOn } from './errors';
import { Handling, HandlingHooks } from './handling';
import { inboxPrefixOf } from './inbox-prefix';
import type { JetStreamStrategyOptions } from './jetstream-strategy';
import { missingAfter, readMissing } from './lost-messages';
import { HandlingMetrics } from './metrics';
import { DEFAULT_PULL, PullLoop } from './pull-loop';
import { DEFAULT_RETRY_POLICY } from './retry-policy';
import { Extension, Settlement } from './settle';
import { WaitingBehind } from './waiting-behind';

const DEFAULTS = { concurrency: 128, capacity: 1_024, stopDeadlineMs: 10_000, watchMs: 5_000 };

/** One consumer from binding to stop: the pull loop, the handling of what it brings, and the watch over both. */
export class ConsumerSession {
  private readonly settlement: Settlement;
  private readonly handling: Handling;
  private readonly loop: PullLoop;
  private readonly extension: Extension;
  private readonly metrics: HandlingMetrics;
  private readonly parked = new Set<number>();
  private watchers: Subscription[] = [];
  private watch: NodeJS.Timeout | undefined;
  private binding: Binding | undefined;
  private looking: Promise<void> | undefined;
  /** Aborted when the consumer is detached. */
  private attachment = new AbortController();
  /** Everything up to this sequence is known to be settled, whatever the stream still holds. */
  private seenFloor: number | undefined;
  private detachedFor: string | undefined = 'not bound yet';
  private closedFor: string | undefined;
  private stopping = false;

  constructor(
    private readonly options: JetStreamStrategyOptions,
    private readonly eventTypes: string[],
    handle: HandlingHooks['handle'],
    private readonly behind?: WaitingBehind,
  ) {
    const { connection, stream, consumer, log } = options;
    const { concurrency, capacity } = { ...DEFAULTS, ...options };
    this.metrics = new HandlingMetrics(
      options.metrics ?? new Registry(),
      { stream, consumer },
      {
        inFlight: () => this.handling.inFlight,
        pending: () => this.binding?.pending ?? 0,
        lagSeconds: () => this.lagSeconds(),
      },
    );
    this.settlement = new Settlement(connection);
    this.handling = new Handling(
      { stream, consumer, concurrency, capacity, retry: { ...DEFAULT_RETRY_POLICY, ...options.retry } },
      this.settlement,
      {
        handle,
        park: async (parked) => {
          await options.deadLetters.park(parked);
          this.parked.add(parked.sequence);
          behind?.parked(parked);
        },
        ...(behind
          ? {
              behind: {
                blocks: (aggregateId) => behind.blocks(aggregateId),
                park: async (parked) => {
                  const stored = await behind.park(parked);
                  if (stored) this.parked.add(parked.sequence);
                  return stored;
                },
              },
            }
          : {}),
        verdict: (error) => verdictOn(error, options.classify),
        settled: () => this.loop.pull(),
        gateChanged: (closed) => {
          this.closedFor = closed && `${closed.dependency} is away: ${closed.reason}`;
          this.report();
          if (closed) this.loop.pause();
          else this.loop.resume();
        },
      },
      {
        handled: (type, seconds) => this.metrics.handled(type, seconds),
        redelivered: () => this.metrics.redelivered(),
        failed: (verdict, error, delivery, attempt) => {
          this.metrics.failed(verdict);
          if (verdict === 'unavailable') return;
          log.warn({ err: error, stream, consumer, sequence: delivery.sequence, attempt }, 'handling failed');
        },
        parked: (parked) => {
          this.metrics.parked(parked.reason);
          log.error({ stream, consumer, parked }, 'parked as a dead letter');
        },
      },
      options.gateDelays,
    );
    this.extension = new Extension(this.settlement, () => this.handling.deliveries());
    this.loop = new PullLoop(
      connection,
      { ...DEFAULT_PULL, inboxPrefix: inboxPrefixOf(connection), ...options.pull, stream, consumer },
      {
        bind: (signal) => this.look(signal),
        deliver: (message, reply) => this.handling.take(deliveryOf(message, reply)),
        room: () => this.handling.room,
        attached: () => {
          this.detachedFor = undefined;
          this.report();
        },
        detached: (reason) => {
          this.detachedFor = reason;
          this.attachment.abort();
          this.attachment = new AbortController();
          this.report();
        },
      },
    );
  }

  start(): void {
    const { connection, stream, consumer } = this.options;
    this.behind?.start();
    this.watchers = watchGivenUp(connection, stream, consumer, ({ sequence, cause }) => {
      void this.checkGivenUp(sequence, cause);
    });
    this.loop.start();
    this.watch = setInterval(() => {
      // A fault here is the pull loop's to find; it ends the requests. Without a connection the question would be lost, and
      // the next binding would wait for its answer.
      if (this.detachedFor === undefined) void this.look(this.attachment.signal).catch(() => undefined);
    }, this.options.watchMs ?? DEFAULTS.watchMs);
    this.watch.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.watch);
    this.stopping = true;
    this.detachedFor = 'stopping';
    const handled = this.handling.stop(this.options.stopDeadlineMs ?? DEFAULTS.stopDeadlineMs);
    await Promise.all([this.loop.stop(), handled, this.behind?.close()]);
    this.extension.stop();
    const { connection } = this.options;
    if (connection.isClosed()) return;
    for (const watcher of this.watchers) watcher.unsubscribe();
    // The last acks leave before the connection is closed; a broker that is away delivers again.
    let overdue: NodeJS.Timeout | undefined;
    await Promise.race([
      connection.flush().catch(() => undefined),
      new Promise((resolve) => (overdue = setTimeout(resolve, 1_000))),
    ]);
    clearTimeout(overdue);
  }

  /** Looks at consumer and stream, on binding and while running; one look at a time. */
  private look(signal: AbortSignal): Promise<void> {
    this.looking ??= this.lookOnce(signal).finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async lookOnce(signal: AbortSignal): Promise<void> {
    const { connection, stream, consumer } = this.options;
    if (this.behind?.ready === false) throw new BindingFault('the dead letters are being read');
    const binding = await bind(connection, stream, consumer, this.eventTypes, signal);
    if (this.binding && this.binding.incarnation !== binding.incarnation) this.handling.forgetSettled();
    this.binding = binding;
    this.extension.start(binding.ackWaitMs);
    // Positions are for ever, so what was settled before a stream was made anew stays settled.
    const floor = this.seenFloor ?? binding.ackFloor;
    const missing = missingAfter(floor, binding.firstSequence);
    if (missing) await this.handleMissing(missing);
    this.seenFloor = Math.max(floor, binding.ackFloor, missing?.last ?? 0);
  }

  /** Handles what the stream no longer has, before anything that comes after it is asked for. */
  private async handleMissing(missing: { first: number; last: number }): Promise<void> {
    const { stream, consumer, readLog, log } = this.options;
    const range = `${missing.first} to ${missing.last}`;
    if (!readLog)
      throw new BindingFault(
        `stream ${stream} no longer has ${range}, and there is no log to read them from`,
      );
    log.error({ stream, consumer, ...missing }, 'the stream has dropped messages; reading them from the log');
    this.loop.pause();
    try {
      for await (const event of readMissing(readLog, stream, missing, this.eventTypes)) {
        while (this.handling.room <= 0 && !this.stopping) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        if (this.stopping) throw new BindingFault('stopping');
        this.handling.take(deliveryFromLog(event));
      }
      await this.handling.drained();
    } catch (error) {
      throw new BindingFault(
        `stream ${stream} no longer has ${range}, and they can't be read from the log: ${describeError(error).message}`,
        { cause: error },
      );
    } finally {
      if (!this.closedFor) this.loop.resume();
    }
  }

  /** The safety net: what the broker has given up and nobody has parked is told, and parked if its log has it. */
  private async checkGivenUp(sequence: number, cause: GivenUp['cause']): Promise<void> {
    const { stream, consumer, deadLetters, log } = this.options;
    if (this.parked.delete(sequence)) return;
    const fields = { stream, consumer, sequence, cause };
    try {
      if (await deadLetters.has?.(stream, consumer, sequence)) return;
      this.metrics.givenUp();
      log.error(fields, 'the broker has given a message up and there is no dead letter of it');
      // What the stream has dropped is handled by who holds it, or read from the log.
      if (cause !== 'dropped') await this.parkGivenUp(sequence, cause);
    } catch (error) {
      log.warn({ ...fields, err: error }, 'the dead letter of a message given up could not be seen to');
    }
  }

  private async parkGivenUp(sequence: number, cause: string): Promise<void> {
    const { stream, consumer, deadLetters, readLog, log } = this.options;
    if (!readLog) return;
    const range = { first: sequence, last: sequence };
    for await (const event of readMissing(readLog, stream, range, this.eventTypes)) {
      const now = Date.now();
      const error = new Error(
        `the broker will not deliver it any more (${cause}), and no worker has said so`,
      );
      const why = { reason: 'given-up' as const, error, attempts: 0, firstFailure: now, lastFailure: now };
      const parked = parkedOf(deliveryFromLog(event), { stream, consumer }, why);
      await deadLetters.park(parked);
      this.metrics.parked(parked.reason);
      log.error({ stream, consumer, parked }, 'parked as a dead letter');
    }
  }

  private lagSeconds(): number {
    let oldest = Infinity;
    for (const { storedAt } of this.handling.deliveries()) oldest = Math.min(oldest, storedAt);
    return oldest === Infinity ? 0 : Math.max(0, (Date.now() - oldest) / 1000);
  }

  private report(): void {
    const { readiness } = this.options;
    const reason = this.detachedFor ?? this.closedFor;
    if (reason === undefined) readiness?.up();
    else readiness?.down(reason);
  }
}
