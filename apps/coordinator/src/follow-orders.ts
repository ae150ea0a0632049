import type { NatsConnection } from '@nats-io/transport-node';
import { CONSUMERS, LOGS, RecordedEvent } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';
import { BatchPull, PulledMessage } from '@headwater/nest-jetstream';
import { Dependency } from '@headwater/platform';
import { pause } from '@headwater/sql';

export interface FollowOptions {
  nats: NatsConnection;
  store: Pick<EventStoreClient, 'readLog' | 'getLog'>;
  consumer: Dependency;
  /** Log position that has been taken so far. */
  position: () => number;
  /** Takes the events after `position()`, without a gap; the position has moved when it resolves. */
  take: (events: readonly RecordedEvent[]) => Promise<void>;
  /** Milliseconds for which messages are gathered. */
  gatherMs: number;
  /** The log's end has been reached for the first time. */
  caughtUp: () => void;
}

/** Messages at a time; more than that are not waited for. */
const BATCH = 2_000;
/** Longest time without a message until the log itself is asked whether there is more. */
const QUIET_MS = 5_000;

/**
 * Follows the log exactly, position by position, a batch at a time. JetStream brings the events while all is well;
 * whatever it does not bring is read from the log. A batch is acked once it has been taken.
 *
 * Messages are gathered for a moment before they are taken: most orders begin and end within it, and leave no trace.
 *
 * @throws whatever reading or taking failed with
 */
export async function followOrders(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const pull = new BatchPull({
    connection: options.nats,
    stream: LOGS.orders,
    consumer: CONSUMERS.coordinator,
    readiness: options.consumer,
    maxBatch: BATCH,
    capacity: 3 * BATCH,
  });
  const stop = (): void => void pull.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await catchUp(options, Infinity, signal);
    options.caughtUp();
    pull.start();
    let next = pull.next();
    while (!signal.aborted) {
      const batch = await within(next, QUIET_MS);
      if (batch === 'quiet') {
        await askLog(options, signal);
        continue;
      }
      if (!batch || signal.aborted) break;
      await takeMessages(options, batch.messages, signal);
      batch.ackAll();
      if (batch.messages.length < BATCH) await pause(options.gatherMs, signal);
      next = pull.next();
    }
  } finally {
    signal.removeEventListener('abort', stop);
    await pull.stop();
  }
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T | 'quiet'> {
  let timer: NodeJS.Timeout | undefined;
  const quiet = new Promise<'quiet'>((resolve) => (timer = setTimeout(() => resolve('quiet'), ms)));
  return Promise.race([promise, quiet]).finally(() => clearTimeout(timer));
}

/** Takes what is new; what is missing between, or is no event, comes from the log. */
async function takeMessages(
  options: FollowOptions,
  messages: readonly PulledMessage[],
  signal: AbortSignal,
): Promise<void> {
  const fresh = new Map<number, RecordedEvent | undefined>();
  for (const { sequence, event } of messages) if (sequence > options.position()) fresh.set(sequence, event);
  let run: RecordedEvent[] = [];
  for (const sequence of [...fresh.keys()].sort((a, b) => a - b)) {
    const event = fresh.get(sequence);
    if (event && sequence === options.position() + run.length + 1) {
      run.push(event);
      continue;
    }
    if (run.length > 0) await options.take(run);
    run = [];
    await catchUp(options, sequence, signal);
  }
  if (run.length > 0) await options.take(run);
}

/** Takes the log up to `until`, or to its end. */
async function catchUp(options: FollowOptions, until: number, signal: AbortSignal): Promise<void> {
  while (options.position() < until && !signal.aborted) {
    const after = options.position();
    for await (const page of options.store.readLog(LOGS.orders, { after, signal })) {
      const events = page.filter(({ position }) => position > options.position() && position <= until);
      if (events.length > 0) await options.take(events);
      if (options.position() >= until) return;
    }
    // A position that the log does not have yet is delivered when it does.
    if (until === Infinity || options.position() === after) return;
  }
}

/** Nothing has come for a while: if the log has more, the stream has lost it. */
async function askLog(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { head } = await options.store.getLog(LOGS.orders);
  if (head > options.position()) await catchUp(options, head, signal);
}
