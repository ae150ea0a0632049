import { jetstreamManager, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Pool } from 'pg';
import { Registry } from 'prom-client';
import { relayWakeSubject } from '@headwater/contracts';
import { declareRelay, LogDamaged, readRelayLag, relayLeaseRow } from '@headwater/eventstore';
import { backoffMs, pause, whileHolding } from '@headwater/sql';
import { carryLog } from './carry-log';
import { endsWithin } from '../ends-within';
import { NatsLink } from './nats-link';
import { relayMetrics, RelayState } from './relay-state';
import { RelayLogger, RelayView } from './relay-view';
import { Wake } from './wake';

export interface RelayOptions {
  pool: Pool;
  log: string;
  /** Partitions of the log's subjects; 0: bare event types. */
  partitions: number;
  nats: NatsConnection;
  logger: RelayLogger;
  /** Tells of every commit of this process; the event store does. Without it the relay polls. */
  commits?: { onCommitted(listener: (log: string, head: number) => void): () => void };
  onState?: (state: RelayState) => void;
  metrics?: Registry;
  /** Sequence that the stream is declared to begin with; earlier events are not relayed. */
  firstSequence?: number;
  /** Milliseconds after which another replica takes over from one that was killed. */
  leaseMs?: number;
}

export interface Relay {
  state(): RelayState;
  /**
   * Ends publishing, waits for what is in flight, writes the checkpoint and frees the lease. Ends within seconds,
   * whatever does not answer: what could not be written is found by the next relay's comparison.
   */
  stop(): Promise<void>;
}

const SAMPLE_MS = 1000;
/** Commits of a busy replica that is not the relay become one ping. */
const PING_MS = 5;
/**
 * Milliseconds after which a stop no longer waits. Above what everything in it takes when only NATS is silent; a silent
 * database takes each statement's own timeout.
 */
const STOP_MS = 10_000;

/**
 * Starts the relay of one log. Every replica of the event store runs one; the lease in SQL picks which of them works, and
 * the broker refuses whatever a second one would publish out of place. Runs for ever: what is away is waited for.
 */
export function startRelay(options: RelayOptions): Relay {
  const { pool, log, nats, logger } = options;
  const view = new RelayView(log, logger, options.metrics && relayMetrics(options.metrics), options.onState);
  const stopping = new AbortController();
  const wake = new Wake();
  const link = new NatsLink(nats);
  link.onChange((up) => up && wake.up());
  const pings = pingOthers(options, view, wake);
  const woken = nats.subscribe(relayWakeSubject(log), { callback: () => wake.up() });
  const endSampling = keepSampling(pool, log, view);
  const running = run(options, view, link, wake, stopping.signal);
  return {
    state: () => ({ ...view.state }),
    stop: async () => {
      stopping.abort();
      wake.up();
      pings();
      if (!nats.isClosed()) woken.unsubscribe();
      const ended = await endsWithin(Promise.all([running, endSampling()]), STOP_MS);
      if (!ended)
        logger.warn({ log, ms: STOP_MS }, 'the relay did not stop in time and is left to its timeouts');
      link.close();
    },
  };
}

async function run(
  options: RelayOptions,
  view: RelayView,
  link: NatsLink,
  wake: Wake,
  stopping: AbortSignal,
): Promise<void> {
  const { pool, log, nats, logger } = options;
  const holder = `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;
  const onError = (error: unknown): void =>
    logger.warn({ log, err: error }, 'the relay met an error and goes on');
  const manager = await managerOf(nats);
  for (let failures = 0; !stopping.aborted;) {
    try {
      await declareRelay(pool, log);
      const ttlMs = options.leaseMs ?? 3000;
      const hold = { holder, ttlMs, pollMs: ttlMs / 6, signal: stopping };
      await whileHolding(pool, relayLeaseRow(log), hold, async (lease, signal) => {
        view.holds(true);
        failures = 0;
        await carryLog({
          pool,
          log,
          partitions: options.partitions,
          nats,
          link,
          manager,
          inboxPrefix: manager.getOptions().watcherPrefix,
          firstSequence: options.firstSequence ?? 1,
          lease,
          signal,
          wake,
          view,
          onError,
        });
      });
    } catch (error) {
      onError(error);
      const message = error instanceof Error ? error.message : String(error);
      if (error instanceof LogDamaged) view.halted(message);
      else view.waiting(`the database is away: ${message}`);
      await pause(backoffMs(failures++, 100, 2000), stopping);
    } finally {
      view.holds(false);
    }
  }
}

/** No request is made here: JetStream may be away. */
const managerOf = (nats: NatsConnection): Promise<JetStreamManager> =>
  jetstreamManager(nats, { checkAPI: false, timeout: 2000 });

/** Wakes this process's relay when it is the one that works, and the others' when not. */
function pingOthers(options: RelayOptions, view: RelayView, wake: Wake): () => void {
  const { nats, log, commits } = options;
  let ping: NodeJS.Timeout | undefined;
  const forget = commits?.onCommitted((committed, head) => {
    if (committed !== log) return;
    view.committed(head);
    if (view.state.holder) wake.up();
    else
      ping ??= setTimeout(() => {
        ping = undefined;
        if (!nats.isClosed()) nats.publish(relayWakeSubject(log));
      }, PING_MS);
  });
  return () => {
    forget?.();
    clearTimeout(ping);
  };
}

/** One look at a time: a silent database must not fill the pool with questions. */
function keepSampling(pool: Pool, log: string, view: RelayView): () => Promise<void> {
  let asking: Promise<void> | undefined;
  const timer = setInterval(() => {
    asking ??= sample(pool, log, view).finally(() => (asking = undefined));
  }, SAMPLE_MS);
  return async () => {
    clearInterval(timer);
    await asking;
  };
}

async function sample(pool: Pool, log: string, view: RelayView): Promise<void> {
  const { holder, relayed } = view.state;
  try {
    const lag = await readRelayLag(pool, log, holder ? relayed : undefined);
    if (lag) view.sampled(holder && view.state.holder ? { ...lag, relayed: view.state.relayed } : lag);
  } catch {
    // The relay itself says that the database is away; the numbers stay as they were.
  }
}
