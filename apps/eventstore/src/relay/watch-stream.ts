import { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Pool } from 'pg';
import { jetStream } from '@headwater/contracts';
import { readLogStanding } from '@headwater/eventstore';
import { streamInfo } from './compare-with-stream';
import { NatsLink } from './nats-link';
import { PublishWindow } from './publish-window';
import { expires, faultsOfStream } from './stream-guard';

export interface WatchOptions {
  pool: Pool;
  nats: NatsConnection;
  link: NatsLink;
  manager: JetStreamManager;
  log: string;
  firstSequence: number;
  window: PublishWindow;
  everyMs?: number;
}

/**
 * Sees what no publish would meet: a stream that is deleted, purged, reconfigured or written to by others while the log
 * is quiet. Looks every few seconds, and at once when JetStream announces a change or the connection breaks, and hears of
 * publishes that its user may not make; whatever is wrong ends the window, and a full comparison follows. So does a
 * restore mark that was set after the last one.
 *
 * @returns ends the watching
 */
export function watchStream({
  pool,
  nats,
  link,
  manager,
  log,
  firstSequence,
  window,
  everyMs = 2000,
}: WatchOptions): () => void {
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking || window.trouble !== undefined) return;
    looking = true;
    // Read before the question: by the time of the answer the stream can only hold more.
    const { acked } = window;
    const [info, uncompared] = await Promise.all([streamInfo(manager, log), isUncompared(pool, log)]);
    looking = false;
    if (uncompared) window.fail(`the log ${log} has been restored and is not yet compared with its stream`);
    const fault = typeof info === 'string' ? info : faultOf(info, log, firstSequence, acked, window.last);
    if (fault !== undefined) window.fail(fault);
  };
  const advisories = nats.subscribe(jetStream.streamAdvisories(log), { callback: () => void look() });
  const timer = setInterval(() => void look(), everyMs);
  const forget = link.onChange((up) => {
    if (!up) window.fail('the connection to NATS was lost');
  });
  const permit = link.onRefusal(({ operation, subject }) => {
    if (operation === 'publish' && subject.startsWith(`${log}.`))
      window.fail(`the NATS user may not publish to ${subject}`);
  });
  return () => {
    clearInterval(timer);
    forget();
    permit();
    advisories.unsubscribe();
  };
}

/** False also when the database does not answer: the relay's own statements meet that. */
async function isUncompared(pool: Pool, log: string): Promise<boolean> {
  const standing = await readLogStanding(pool, log).catch(() => undefined);
  return standing !== undefined && standing.restoreMark > standing.comparedMark;
}

function faultOf(
  { config, state }: StreamInfo,
  log: string,
  firstSequence: number,
  acked: number,
  published: number,
): string | undefined {
  const [fault] = faultsOfStream(config, log, firstSequence);
  if (fault !== undefined) return `the stream ${log} has changed: ${fault}`;
  if (state.last_seq < acked) return `the stream ${log} has lost messages: it ends at ${state.last_seq}`;
  if (state.last_seq > published) return `somebody else has published to the stream ${log}`;
  const gone = state.first_seq > firstSequence || (state.num_deleted ?? 0) > 0;
  return gone && !expires(config) ? `messages of the stream ${log} have been taken away` : undefined;
}
