import { jetstreamManager, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Pool } from 'pg';
import { decodeHeaderValue, eventOfMessage, HEADERS } from '@headwater/contracts';
import { importEvents, loadRelayed, LoggedEvent } from '@headwater/eventstore';
import { compareWithStream, Comparison } from './compare-with-stream';

export interface RepairOptions {
  pool: Pool;
  /** Connected as a user that may delete the stream, when that is to be done. */
  nats: NatsConnection;
  log: string;
  firstSequence?: number;
  /**
   * Delete a stream that can't be brought back to the log. Whoever applies its declaration makes it anew, the relay
   * fills it from the log, and its consumers start as they are declared: handlers see old events again.
   */
  rebuildStream?: boolean;
  progress?: (line: string) => void;
}

export type RepairReport =
  | { readonly outcome: 'agree'; readonly position: number }
  | { readonly outcome: 'imported'; readonly from: number; readonly to: number }
  | { readonly outcome: 'stream deleted'; readonly reason: string }
  /** Nothing was done: JetStream is away, or the stream has to be rebuilt and that was not asked for. */
  | { readonly outcome: 'not repaired'; readonly reason: string };

const IMPORT_BATCH = 100;

/**
 * Brings a log and its stream together again. What the log has lost and the stream still has is imported; a stream that
 * is not the log's is deleted, when asked for, so that it is filled again. The relay notices by itself and goes on.
 *
 * @throws MalformedMessage, ImportRefused when the stream's tail is not what the log can have lost
 */
export async function repairLog(options: RepairOptions): Promise<RepairReport> {
  const { pool, log, progress } = options;
  const manager = await jetstreamManager(options.nats, { checkAPI: false });
  const found = await compare(options, manager);
  switch (found.kind) {
    case 'equal':
      return { outcome: 'agree', position: found.position };
    case 'waiting':
      return { outcome: 'not repaired', reason: found.reason };
    case 'ahead': {
      for (let from = found.head + 1; from <= found.last; from += IMPORT_BATCH) {
        const to = Math.min(found.last, from + IMPORT_BATCH - 1);
        await importEvents(pool, log, await readTail(manager, log, from, to));
        progress?.(`imported ${from} to ${to} of ${found.last} into ${log}`);
      }
      // Allows appends again, unless the stream differs in what lies before the tail.
      const after = await compare(options, manager);
      return after.kind === 'equal'
        ? { outcome: 'imported', from: found.head + 1, to: found.last }
        : { outcome: 'not repaired', reason: after.reason };
    }
    case 'diverged':
      if (!options.rebuildStream) return { outcome: 'not repaired', reason: found.reason };
      await manager.streams.delete(log);
      return { outcome: 'stream deleted', reason: found.reason };
  }
}

async function compare(options: RepairOptions, manager: JetStreamManager): Promise<Comparison> {
  const { pool, log, firstSequence = 1 } = options;
  return compareWithStream({ pool, manager, log, firstSequence, relayed: await loadRelayed(pool, log) });
}

/** The events of a range of sequences with their digests, each checked to be the one of its position. */
async function readTail(
  manager: JetStreamManager,
  log: string,
  from: number,
  to: number,
): Promise<LoggedEvent[]> {
  const sequences = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const messages = await Promise.all(sequences.map((seq) => manager.streams.getMessage(log, { seq })));
  return messages.map((message, index) => {
    const sequence = from + index;
    if (message === null) throw new Error(`sequence ${sequence} of the stream ${log} is missing`);
    const event = eventOfMessage((name) => message.header.get(name), message.string());
    if (event.log !== log || event.position !== sequence)
      throw new Error(
        `sequence ${sequence} of the stream ${log} holds position ${event.position} of ${event.log}`,
      );
    return { event, digest: decodeHeaderValue(message.header.get(HEADERS.digest)) };
  });
}
