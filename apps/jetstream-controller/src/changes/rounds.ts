import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConsumerInfo,
  isAsDeclared,
  type JetStreamApi,
  type StreamInfo,
} from '@headwater/jetstream-resources';
import { type KubernetesObject, keyOf } from '@headwater/kubernetes';
import { type Asset, type AssetKind, assetOf, claimOf, desiredBy, isOf, isReadable } from '../assets/asset';
import { type AssetWorld, INDEX } from '../assets/asset-world';
import { statusOf, wasSynced } from '../assets/asset-status';
import { factsOf, tellsFacts } from '../assets/facts';

export interface RoundsOptions {
  world: AssetWorld;
  /** Asks for a resource to be looked at. */
  enqueue: (kind: AssetKind, key: string) => void;
  /** Milliseconds from the end of one round to the next. */
  factsMs: number;
  /** Milliseconds after which every consumer is read again, also those of streams where nothing moves. */
  resyncMs: number;
  /** Whether objects wait that need more than new counts. */
  busy: () => boolean;
  onError: (connection: string, error: unknown) => void;
}

/** Resources per second that a round asks to be looked at for new counts only: status writes must not crowd out work. */
const REFRESHED_PER_SECOND = 100;

/**
 * Reads what every server holds, page by page, at a steady pace. It finds what no advisory has told (they are not stored),
 * keeps the consumers' ack floors, and refreshes the live facts. Consumers are read where they may have moved: their
 * stream has changed, or they owed something at the last look.
 */
export class Rounds {
  private readonly seen = new Map<string, { state: string; owing: boolean; fullAt: number }>();
  private next = new AbortController();

  constructor(private readonly options: RoundsOptions) {}

  /** Goes on until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { world, factsMs } = this.options;
    while (!signal.aborted) {
      await Promise.all(world.pool.keys().map((connection) => this.attempt(connection, signal)));
      if (this.next.signal.aborted) this.next = new AbortController();
      else {
        const early = AbortSignal.any([signal, this.next.signal]);
        await sleep(factsMs, undefined, { signal: early }).catch(() => undefined);
      }
    }
  }

  /** Reads everything of a connection as soon as may be: it was away, and advisories with it. */
  hurry(connection: string): void {
    for (const claim of this.seen.keys()) if (isOf(connection, claim)) this.seen.delete(claim);
    this.next.abort();
  }

  /** A server that is slow or silent breaks off its own reading, and holds up no other. */
  private async attempt(connection: string, signal: AbortSignal): Promise<void> {
    const { world, onError } = this.options;
    const server = world.pool.serverOf(connection);
    if (server.status !== 'connected') return;
    try {
      await this.round(connection, server.api, signal);
      world.metrics.rounds.inc({ connection });
    } catch (error) {
      if (!signal.aborted) onError(connection, error);
    }
  }

  private async round(connection: string, api: JetStreamApi, signal: AbortSignal): Promise<void> {
    const { world } = this.options;
    const { caches, positions } = world;
    const present = new Set<string>();
    const moved: string[] = [];
    const refresh: [AssetKind, string][] = [];
    for await (const info of api.listStreams()) {
      const stream = String(info.config['name']);
      const claim = claimOf(connection, stream);
      present.add(claim);
      positions.noteStream(claim, info.created);
      for (const asset of this.assetsOf('Stream', claim)) this.compare(api, asset, info, refresh);
      const consumers = caches.Consumer.byIndex(INDEX.stream, claim);
      if (consumers.length > 0 && this.mayHaveMoved(claim, info)) moved.push(stream);
      world.waiting.release(claim);
    }
    this.lookForMissing('Stream', caches.Stream.byIndex(INDEX.connection, connection), present);
    for (const stream of moved) {
      if (signal.aborted) return;
      await this.consumersOf(connection, stream, api, refresh);
    }
    await this.pace(refresh, signal);
  }

  private async consumersOf(
    connection: string,
    stream: string,
    api: JetStreamApi,
    refresh: [AssetKind, string][],
  ): Promise<void> {
    const { caches, positions } = this.options.world;
    const ofStream = claimOf(connection, stream);
    const present = new Set<string>();
    let owing = false;
    for await (const info of api.listConsumers(stream)) {
      const claim = claimOf(connection, stream, info.name);
      present.add(claim);
      owing ||= info.num_pending > 0 || info.num_ack_pending > 0;
      for (const asset of this.assetsOf('Consumer', claim)) {
        positions.noteConsumer(asset, info);
        this.compare(api, asset, info, refresh);
      }
    }
    const seen = this.seen.get(ofStream);
    if (seen) seen.owing = owing;
    this.lookForMissing('Consumer', caches.Consumer.byIndex(INDEX.stream, ofStream), present);
  }

  /** A reading is also due now and then where nothing seems to have moved. */
  private mayHaveMoved(claim: string, { state, created }: StreamInfo): boolean {
    const now = this.options.world.now().getTime();
    const text = `${created} ${state.last_seq} ${state.first_seq} ${state.messages} ${state.consumer_count}`;
    const before = this.seen.get(claim);
    const due = before === undefined || before.fullAt <= now;
    // Spread, so that not all streams are due in the same round.
    const fullAt = due ? now + this.options.resyncMs * (0.5 + Math.random()) : before.fullAt;
    this.seen.set(claim, { state: text, owing: before?.owing ?? true, fullAt });
    return due || before.owing || before.state !== text;
  }

  private compare(
    api: JetStreamApi,
    asset: Asset,
    info: StreamInfo | ConsumerInfo,
    refresh: [AssetKind, string][],
  ): void {
    const { kind, resource } = asset;
    const { world, enqueue } = this.options;
    const key = keyOf(resource.metadata);
    this.measure(asset, info);
    // Its first pass is due anyway.
    if (statusOf(resource).observedGeneration === undefined) return;
    if (wasSynced(resource) && !isAsDeclared(api, desiredBy(asset, world.clusterId), info.config)) {
      enqueue(kind, key);
    } else if (!tellsFacts(asset, factsOf(asset, info, world))) refresh.push([kind, key]);
  }

  /** Looks again at what was there and is not among what has been read; what is known to be missing has been looked at. */
  private lookForMissing(
    kind: AssetKind,
    resources: readonly KubernetesObject[],
    present: ReadonlySet<string>,
  ): void {
    for (const resource of resources) {
      const asset = assetOf(kind, resource);
      if (isReadable(asset) && !present.has(asset.claim) && wasSynced(resource))
        this.options.enqueue(kind, keyOf(resource.metadata));
    }
  }

  private assetsOf(kind: AssetKind, claim: string): Asset[] {
    const { caches, scope } = this.options.world;
    return caches[kind]
      .byIndex(INDEX.claim, claim)
      .filter(({ metadata }) => scope.owns(metadata.namespace ?? ''))
      .map((resource) => assetOf(kind, resource))
      .filter(isReadable);
  }

  /** What is not told because there is more urgent work is found again by the next round. */
  private async pace(refresh: readonly [AssetKind, string][], signal: AbortSignal): Promise<void> {
    const perStep = REFRESHED_PER_SECOND / 10;
    for (let from = 0; from < refresh.length && !signal.aborted && !this.options.busy(); from += perStep) {
      for (const [kind, key] of refresh.slice(from, from + perStep)) this.options.enqueue(kind, key);
      await sleep(100, undefined, { signal }).catch(() => undefined);
    }
  }

  private measure({ resource, stream }: Asset, info: StreamInfo | ConsumerInfo): void {
    const { metrics } = this.options.world;
    const labels = { namespace: resource.metadata.namespace ?? '', name: resource.metadata.name, stream };
    if ('state' in info) {
      metrics.messages.set(labels, info.state.messages);
      metrics.bytes.set(labels, info.state.bytes);
      return;
    }
    const ofConsumer = { ...labels, consumer: info.name };
    metrics.pending.set(ofConsumer, info.num_pending);
    metrics.ackPending.set(ofConsumer, info.num_ack_pending);
    metrics.redelivered.set(ofConsumer, info.num_redelivered);
  }
}
