import { JetStreamApi } from './jetstream-api';
import { ConsumerInfo, ServerConfig } from './jetstream-info';
import { Desired } from './manifest';
import { metadataOf, RESET_KEY, RESUME_KEY, resumedAt, withMetadata } from './mark';

/** What a status has remembered of an object that is no longer there. */
export interface Known {
  /** When its stream was created, as the server says it. */
  readonly created?: string | undefined;
  /** Stream sequence up to which everything was acknowledged. */
  readonly ackFloor?: number | undefined;
}

/** API level since which a consumer can be moved in its stream. */
const RESET_LEVEL = 4;
/** Policies with which the server lets it be moved. */
const MOVABLE = new Set<unknown>(['all', undefined]);
/** Longer than moving it takes; if we die in between, the note makes the next one finish. */
const HOLD_MS = 3_600_000;

/**
 * Stream sequence up to which everything is acknowledged: what to remember as {@link Known.ackFloor}. A consumer that was
 * made again and has acknowledged nothing since is told as 0 by servers, and has the floor that it goes on behind. One that
 * has delivered nothing yet has the place where it began, which servers before 2.12 tell only as what was delivered.
 */
export function ackFloorOf({ config, ack_floor, delivered }: ConsumerInfo): number {
  const resumed = metadataOf(config, RESUME_KEY) === undefined ? 0 : Number(config['opt_start_seq'] ?? 1) - 1;
  const moving = Number(metadataOf(config, RESET_KEY) ?? 1) - 1;
  const began = delivered.consumer_seq === 0 ? delivered.stream_seq : 0;
  return Math.max(ack_floor.stream_seq, resumed, moving, began);
}

/**
 * Makes a consumer again that somebody has deleted, so that it goes on behind its last known ack floor: nothing at or below
 * is delivered again, later acknowledgements may be. Undefined when it is to begin as its manifest says: nothing is known,
 * its stream is not the one it had, or is a work queue, which holds only what nobody has acknowledged.
 */
export async function createResumed(
  api: JetStreamApi,
  desired: Desired,
  consumer: string,
  known: Known | undefined,
): Promise<ConsumerInfo | undefined> {
  const floor = known?.ackFloor ?? 0;
  if (floor <= 0 || known?.created === undefined) return undefined;
  const stream = await api.streamInfo(desired.stream);
  if (stream === undefined || stream.created !== known.created) return undefined;
  if (stream.config['retention'] === 'workqueue') return undefined;
  const { config } = desired;
  const movable = MOVABLE.has(config['deliver_policy']) && (await api.apiLevel()) >= RESET_LEVEL;
  if (!movable) return api.writeConsumer(desired.stream, consumer, resumedAt(config, floor + 1), 'create');
  // Paused until it has been moved: somebody waits with a request for messages already.
  const held: ServerConfig = {
    ...withMetadata(config, { [RESET_KEY]: String(floor + 1) }),
    pause_until: new Date(Date.now() + HOLD_MS).toISOString(),
  };
  await api.writeConsumer(desired.stream, consumer, held, 'create');
  return finishReset(api, desired, consumer, floor + 1);
}

/** Moves a consumer that was made again, and lets it deliver. May be done twice. */
export async function finishReset(
  api: JetStreamApi,
  desired: Desired,
  consumer: string,
  sequence: number,
): Promise<ConsumerInfo> {
  await api.resetConsumer(desired.stream, consumer, sequence);
  const info = await api.writeConsumer(desired.stream, consumer, desired.config, 'update');
  await api.pauseConsumer(desired.stream, consumer, desired.pauseUntil);
  return info;
}
