import {
  ackFloorOf,
  type ConsumerInfo,
  type ConsumerStatus,
  type Known,
  pausedUntil,
  replicasText,
  type StreamInfo,
  type StreamStatus,
} from '@headwater/jetstream-resources';
import { sameJson, wholeSeconds } from '@headwater/kubernetes';
import type { Asset } from './asset';
import { statusOf } from './asset-status';
import type { Positions } from './positions';

export type StreamFacts = Omit<StreamStatus, 'conditions' | 'observedGeneration' | 'driftedFields'>;
export type ConsumerFacts = Omit<ConsumerStatus, 'conditions' | 'observedGeneration' | 'driftedFields'>;

interface FactsContext {
  readonly positions: Positions;
  readonly now: () => Date;
}

/** The facts that an asset's status is to tell of what the server holds; positions have been noted before. */
export function factsOf(
  asset: Asset,
  info: StreamInfo | ConsumerInfo,
  { positions, now }: FactsContext,
): StreamFacts | ConsumerFacts {
  return 'state' in info ? streamFacts(info) : consumerFacts(asset, info, positions.of(asset), now());
}

/** Whether the status tells these facts already. */
export function tellsFacts({ resource }: Asset, facts: StreamFacts | ConsumerFacts): boolean {
  const { conditions: _, observedGeneration: __, driftedFields: ___, ...told } = statusOf(resource);
  return sameJson(told, facts);
}

/** What a status tells of a stream beside its conditions. Counts are of the moment. */
const streamFacts = (info: StreamInfo): StreamFacts => ({
  streamName: String(info.config['name']),
  created: info.created,
  messages: info.state.messages,
  bytes: info.state.bytes,
  firstSeq: info.state.first_seq,
  lastSeq: info.state.last_seq,
  consumers: info.state.consumer_count,
  ...(info.cluster?.leader ? { leader: info.cluster.leader } : {}),
  replicas: replicasText(info),
});

/**
 * The same of a consumer. Its ack floor, with the birthday of its stream, is what a consumer that was deleted behind our
 * back resumes from; `ackFloorTime` says when the floor was first seen where it is.
 */
function consumerFacts({ resource }: Asset, info: ConsumerInfo, position: Known, now: Date): ConsumerFacts {
  const previous = statusOf(resource);
  const until = pausedUntil(info);
  const ackFloor = {
    streamSeq: position.ackFloor ?? ackFloorOf(info),
    consumerSeq: info.ack_floor.consumer_seq,
  };
  const moved = previous.ackFloor?.streamSeq !== ackFloor.streamSeq || previous.ackFloorTime === undefined;
  return {
    created: info.created,
    ...(position.created === undefined ? {} : { streamCreated: position.created }),
    ackFloor,
    delivered: { streamSeq: info.delivered.stream_seq, consumerSeq: info.delivered.consumer_seq },
    ackFloorTime: moved ? wholeSeconds(now) : previous.ackFloorTime,
    pending: info.num_pending,
    ackPending: info.num_ack_pending,
    redelivered: info.num_redelivered,
    waiting: info.num_waiting,
    ...(info.cluster?.leader ? { leader: info.cluster.leader } : {}),
    ...(until === undefined ? {} : { pausedUntil: until }),
  };
}
