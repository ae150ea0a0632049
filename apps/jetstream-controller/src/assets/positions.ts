import { ackFloorOf, type ConsumerInfo, type Known } from '@headwater/jetstream-resources';
import { type Asset, claimOf } from './asset';
import { statusOf } from './asset-status';

/**
 * What was last seen of each claim, while this process leads: at most one round old. Statuses hold the same for whoever
 * leads next.
 */
export class Positions {
  private readonly streams = new Map<string, string>();
  private readonly consumers = new Map<string, Known>();

  noteStream(claim: string, created: string): void {
    this.streams.set(claim, created);
  }

  /** When a stream was made; undefined when it has not been looked at yet. */
  streamCreated(claim: string): string | undefined {
    return this.streams.get(claim);
  }

  /**
   * Notes how far a consumer has acknowledged, of the stream that it has now. A floor of 0 tells nothing: old servers say
   * so of a consumer that began in the middle of its stream and has acknowledged nothing yet.
   */
  noteConsumer(asset: Asset, info: ConsumerInfo): void {
    const created = this.streams.get(claimOf(asset.connection, asset.stream));
    if (created === undefined) return;
    const before = this.of(asset);
    const floor = ackFloorOf(info);
    const ackFloor = floor === 0 && before.created === created ? before.ackFloor : floor;
    this.consumers.set(asset.claim, { created, ackFloor });
  }

  /** Where a consumer that is missing goes on: as last seen by this process, or by one before it. */
  of({ claim, resource }: Asset): Known {
    const { streamCreated, ackFloor } = statusOf(resource);
    return this.consumers.get(claim) ?? { created: streamCreated, ackFloor: ackFloor?.streamSeq };
  }

  forget(claim: string): void {
    this.streams.delete(claim);
    this.consumers.delete(claim);
  }
}
