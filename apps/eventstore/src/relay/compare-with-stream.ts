import { JetStreamApiCodes, JetStreamApiError, JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import { Pool } from 'pg';
import { decodeHeaderValue, HEADERS } from '@headwater/contracts';
import {
  allowAppends,
  LogStanding,
  readEventIds,
  readLogStanding,
  refuseAppends,
} from '@headwater/eventstore';
import { expires, faultsOfStream } from './stream-guard';

/** What a comparison of a log with its stream has found. */
export type Comparison =
  /** The stream is the beginning of the log, up to `position`. */
  | { readonly kind: 'equal'; readonly position: number; readonly head: number }
  /** JetStream or the stream is not there; it may come by itself. */
  | { readonly kind: 'waiting'; readonly reason: string }
  /** The stream holds events of the log that the log has lost: the database is older than the stream. */
  | { readonly kind: 'ahead'; readonly reason: string; readonly head: number; readonly last: number }
  /** The stream is not this log's, or no longer fit for it. A person must decide. */
  | { readonly kind: 'diverged'; readonly reason: string };

export interface CompareOptions {
  pool: Pool;
  manager: JetStreamManager;
  log: string;
  /** Checkpoint: what has been found equal before. */
  relayed: number;
  /** Sequence that the stream is declared to begin with. */
  firstSequence: number;
  /** Ends a long comparison between two pages; it has found nothing then. */
  signal?: AbortSignal;
}

/** So many positions may have been in flight, and so been stored unseen, when a relay ended. */
const RECHECKED = 256;
const PAGE = 500;
/** Messages that are asked for at the same time. */
const PARALLEL_READS = 64;

const repair = (log: string): string => `\`headwater log repair ${log}\``;

/**
 * Compares a log with its stream and records what follows for appends: they are refused while the stream is ahead, and
 * allowed again when both agree.
 *
 * @throws errors of SQL; JetStream's absence is an answer
 */
export async function compareWithStream(options: CompareOptions): Promise<Comparison> {
  const { pool, log } = options;
  // The restore mark is read before the stream: a later restore needs a later comparison.
  const before = await standingOf(pool, log);
  const info = await streamInfo(options.manager, log);
  if (typeof info === 'string') return { kind: 'waiting', reason: info };
  // The head is read after the stream, so the stream is behind it unless something is wrong.
  const { head } = await standingOf(pool, log);
  const found = await judge(options, info, head).catch((error: unknown): Comparison => {
    if (error instanceof Interrupted) return { kind: 'waiting', reason: error.message };
    throw error;
  });
  switch (found.kind) {
    case 'equal':
      await allowAppends(pool, log, before.restoreMark);
      return found;
    case 'ahead':
      await refuseAppends(pool, log, found.reason);
      return found;
    case 'waiting':
    case 'diverged':
      return found;
  }
}

async function standingOf(pool: Pool, log: string): Promise<LogStanding> {
  const standing = await readLogStanding(pool, log);
  if (!standing) throw new Error(`the log ${log} has no row in the database; is it migrated and declared?`);
  return standing;
}

/** The stream's state; a string says why there is none. */
export async function streamInfo(manager: JetStreamManager, log: string): Promise<StreamInfo | string> {
  try {
    return await manager.streams.info(log);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) {
      return `the stream ${log} does not exist; apply its declaration`;
    }
    return `JetStream is away: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function judge(options: CompareOptions, info: StreamInfo, head: number): Promise<Comparison> {
  const { log, relayed, firstSequence } = options;
  const { state, config } = info;
  const faults = faultsOfStream(config, log, firstSequence);
  if (faults.length > 0) {
    return {
      kind: 'diverged',
      reason: `the stream ${log} can't carry the log: ${faults.join('; ')}. Correct its declaration and apply it`,
    };
  }
  const last = state.last_seq;
  if (last > head) return beyondHead(options, head, last);
  const lost = await lostMessages(options, info);
  if (lost !== undefined) return { kind: 'diverged', reason: lost };
  if (state.messages > 0) {
    const from = last < relayed ? last - RECHECKED : relayed;
    const other = await firstDifference(options, Math.max(from, state.first_seq), last);
    if (other !== undefined) return { kind: 'diverged', reason: other };
  }
  return { kind: 'equal', position: last, head };
}

/** More messages than events: either a tail that the database has lost, or messages of somebody else. */
async function beyondHead(options: CompareOptions, head: number, last: number): Promise<Comparison> {
  const { log } = options;
  const found = await readMessage(options, head + 1);
  if (found.kind === 'event' && found.position === head + 1) {
    return {
      kind: 'ahead',
      head,
      last,
      reason: `the stream ${log} is at ${last}, its log only at ${head}: the database is older than the stream, and positions that were handled would be used again. Run ${repair(log)} to import what is missing`,
    };
  }
  return {
    kind: 'diverged',
    reason: `sequence ${head + 1} of the stream ${log} holds ${found.what}, but the log ends at ${head}: somebody else has published. Run ${repair(log)}`,
  };
}

/** Why messages are missing that nobody may miss; undefined when none are. */
async function lostMessages(options: CompareOptions, info: StreamInfo): Promise<string | undefined> {
  const { log, manager, firstSequence } = options;
  const { state, config } = info;
  if (!expires(config) && (state.num_deleted ?? 0) > 0) {
    return `${state.num_deleted} messages inside the stream ${log} have been deleted. Run ${repair(log)}`;
  }
  if (state.first_seq <= firstSequence) return undefined;
  if (!expires(config)) {
    // A purge also moves the consumers' ack floors, so they can't tell what they have missed.
    return `the stream ${log} has been purged: it begins at ${state.first_seq}, and a purged stream keeps its last sequence, so it can't be filled again in place. Run ${repair(log)}`;
  }
  const consumers = manager.consumers.list(log);
  for (let page = await asked(consumers.next()); page.length > 0; page = await asked(consumers.next())) {
    const behind = page.find(({ ack_floor }) => state.first_seq > ack_floor.stream_seq + 1);
    if (behind) {
      return `the stream ${log} begins at ${state.first_seq}, but its consumer ${behind.name} has handled only ${behind.ack_floor.stream_seq}: a limit has removed what it needs. Raise the limit and run ${repair(log)}`;
    }
  }
  return undefined;
}

/** The first position of a range where the stream does not hold the log's event. */
async function firstDifference(
  options: CompareOptions,
  from: number,
  to: number,
): Promise<string | undefined> {
  const { pool, log, signal } = options;
  for (let start = Math.max(1, from); start <= to; start += PAGE) {
    if (signal?.aborted) throw new Interrupted('the relay is stopping');
    const end = Math.min(to, start + PAGE - 1);
    const ids = await readEventIds(pool, log, start, end);
    if (ids.length !== end - start + 1) return `the log ${log} has a gap between ${start} and ${end}`;
    for (let offset = 0; offset < ids.length; offset += PARALLEL_READS) {
      const slice = ids.slice(offset, offset + PARALLEL_READS);
      const found = await Promise.all(
        slice.map((_id, index) => readMessage(options, start + offset + index)),
      );
      const wrong = found.findIndex(
        (message, index) => message.kind !== 'event' || message.id !== slice[index],
      );
      if (wrong >= 0) {
        return `sequence ${start + offset + wrong} of the stream ${log} holds ${found[wrong]?.what}, but the log has the event ${slice[wrong]} there. Run ${repair(log)}`;
      }
    }
  }
  return undefined;
}

type Found =
  | { kind: 'event'; id: string; position: number; what: string }
  | { kind: 'foreign' | 'nothing'; what: string };

/** What the stream holds at a sequence, as its leader says. */
async function readMessage({ manager, log }: CompareOptions, sequence: number): Promise<Found> {
  const message = await asked(manager.streams.getMessage(log, { seq: sequence }));
  if (message === null) return { kind: 'nothing', what: 'nothing' };
  const id = message.header.get(HEADERS.id);
  if (id === '') return { kind: 'foreign', what: `a message of ${message.subject} that is no event` };
  const position = Number(message.header.get(HEADERS.position));
  return { kind: 'event', id: decodeHeaderValue(id), position, what: `the event ${id}` };
}

/** A comparison came to no end: JetStream did not answer, or the relay is to stop. */
class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new Interrupted(`JetStream is away: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
