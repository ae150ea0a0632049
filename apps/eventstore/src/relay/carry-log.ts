import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Pool } from 'pg';
import { jetStream, subjectOf } from '@headwater/contracts';
import { loadRelayed, readAfter, saveHalted, saveRelayed } from '@headwater/eventstore';
import { Lease } from '@headwater/sql';
import { Checkpoint } from './checkpoint';
import { compareWithStream } from './compare-with-stream';
import { NatsLink } from './nats-link';
import { PublishWindow } from './publish-window';
import { RelayView } from './relay-view';
import { Wake } from './wake';
import { watchStream } from './watch-stream';

export interface CarryOptions {
  pool: Pool;
  log: string;
  partitions: number;
  nats: NatsConnection;
  link: NatsLink;
  manager: JetStreamManager;
  inboxPrefix: string | undefined;
  firstSequence: number;
  lease: Lease;
  /** Ends the work: the lease is lost, or the process stops. */
  signal: AbortSignal;
  /** Something was committed, or the connection is back. */
  wake: Wake;
  view: RelayView;
  onError: (error: unknown) => void;
}

/** Events per read, and bytes: two windows' worth, so that the next read runs while answers are still coming. */
const BATCH = 512;
const BATCH_BYTES = 4 * 1024 * 1024;

/** Milliseconds between looks at a quiet log: doubled from the first to the last. Commits wake it before. */
const POLL_MS = { first: 10, last: 250 };
/** Milliseconds between attempts while JetStream is away or publishing makes no progress. */
const RETRY_MS = { first: 50, last: 3000 };
/** Milliseconds between comparisons while a person must act; a repair is noticed by itself. */
const RECHECK_MS = 1000;
/** How long answers are awaited before the stream is asked instead. */
const SETTLE_MS = 2000;

/**
 * Carries a log into its stream while the lease is held: compares, publishes until anything is not as it should be,
 * compares again.
 *
 * @throws errors of SQL
 */
export async function carryLog(options: CarryOptions): Promise<void> {
  const { nats, log, signal, wake } = options;
  const wakeUp = (): void => wake.up();
  signal.addEventListener('abort', wakeUp);
  // What is waited for mostly is a stream that is made or corrected, and that announces itself.
  const advisories = nats.subscribe(jetStream.streamAdvisories(log), { callback: wakeUp });
  try {
    await carry(options);
  } finally {
    signal.removeEventListener('abort', wakeUp);
    if (!nats.isClosed()) advisories.unsubscribe();
  }
}

async function carry(options: CarryOptions): Promise<void> {
  const { pool, log, lease, signal, view, wake } = options;
  let relayed = await loadRelayed(pool, log);
  let failures = 0;
  while (!signal.aborted) {
    // A question asked now would be lost with the connection and cost its whole timeout; the reconnection wakes.
    while (!options.link.up && !signal.aborted) {
      view.waiting('JetStream is away: the connection to NATS is lost');
      await wake.within(RETRY_MS.last);
    }
    if (signal.aborted) break;
    const found = await compareWithStream({ ...options, relayed });
    view.compared(found.kind);
    switch (found.kind) {
      case 'equal': {
        // Written before anything is published: what lies above the checkpoint is verified by the next relay.
        if (found.position !== relayed && !(await saveRelayed(pool, lease, found.position))) return;
        if (found.position < relayed) {
          options.onError(
            new Error(
              `the stream ${log} lacks ${found.position + 1} to ${relayed}; they are published again`,
            ),
          );
        }
        await saveHalted(pool, lease, undefined);
        view.working(found.position, found.head);
        const run = await publishRun(options, found.position);
        failures = run.acked > found.position ? 0 : failures + 1;
        relayed = run.acked;
        if (signal.aborted) return;
        // A refusal is settled by the next comparison; only what keeps failing is shown as waiting.
        if (failures > 1) view.waiting(run.trouble);
        if (failures > 0) await wake.within(retryMs(failures - 1));
        break;
      }
      case 'waiting':
        view.waiting(found.reason);
        await wake.within(retryMs(failures++));
        break;
      case 'ahead':
      case 'diverged':
        view.halted(found.reason);
        await saveHalted(pool, lease, found.reason);
        await wake.within(RECHECK_MS);
        break;
    }
  }
}

const retryMs = (failures: number): number =>
  Math.min(RETRY_MS.last, RETRY_MS.first * 2 ** Math.min(failures, 16));

/** Publishes from a position on until trouble or the end of the work. */
async function publishRun(
  options: CarryOptions,
  from: number,
): Promise<{ acked: number; trouble: string | undefined }> {
  const { pool, lease, log, partitions, signal, view, wake, onError } = options;
  const lost = (): void => window.fail('another relay holds the lease');
  const checkpoint = new Checkpoint({ pool, lease, onLost: lost, onError }, from);
  const window = new PublishWindow({
    ...options,
    from,
    onAcked: (position) => {
      view.acknowledged(position);
      checkpoint.advance(position);
    },
    onTrouble: () => wake.up(),
  });
  const unwatch = watchStream({ ...options, window });
  try {
    let pollMs = POLL_MS.first;
    while (!signal.aborted && window.trouble === undefined) {
      const batch = await readAfter(pool, log, window.last, BATCH, BATCH_BYTES);
      if (batch.length === 0) {
        pollMs = (await wake.within(pollMs)) ? POLL_MS.first : Math.min(POLL_MS.last, pollMs * 2);
        continue;
      }
      pollMs = POLL_MS.first;
      view.committed(batch.at(-1)?.event.position ?? 0);
      for (const relayed of batch) {
        if (window.full) await window.room();
        if (signal.aborted || window.trouble !== undefined) break;
        const { eventType, aggregateId } = relayed.event;
        window.publish(subjectOf(eventType, aggregateId, partitions), relayed);
      }
    }
    if (options.link.up) await window.settled(SETTLE_MS);
  } finally {
    unwatch();
    window.close();
    await checkpoint.close();
  }
  return { acked: window.acked, trouble: window.trouble };
}
