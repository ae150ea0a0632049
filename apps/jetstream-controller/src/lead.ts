import {
  type InformerChange,
  type KubernetesObject,
  keyOf,
  type RuntimeLog,
  type RuntimeMetrics,
  runWorkers,
  WorkQueue,
} from '@headwater/kubernetes';
import { type AssetKind, assetOf, claimOf, isReadable } from './assets/asset';
import { type AssetWorld, INDEX } from './assets/asset-world';
import { AssetReconciler } from './assets/reconcile-asset';
import { type Changed } from './changes/advisories';
import { Rounds } from './changes/rounds';
import { followServers } from './changes/follow-servers';
import { Waiting } from './changes/waiting';

export interface LeadOptions {
  world: Omit<AssetWorld, 'onAligned' | 'waiting'>;
  concurrency: number;
  /** Milliseconds between two readings of what the servers hold. */
  roundMs: number;
  /** Milliseconds after which every consumer is read again. */
  resyncMs: number;
  runtimeMetrics: RuntimeMetrics;
  log: RuntimeLog;
}

const KINDS: readonly AssetKind[] = ['Stream', 'Consumer'];

/**
 * The work of the one replica that acts: every change in Kubernetes or JetStream leads to a pass over the resources it
 * concerns, until the signal is aborted.
 */
export async function lead(options: LeadOptions, signal: AbortSignal): Promise<void> {
  const { runtimeMetrics, log, concurrency, roundMs, resyncMs } = options;
  const { caches, scope, positions } = options.world;
  await scope.cleared(signal);

  const queues = {
    Stream: new WorkQueue({ name: 'stream', metrics: runtimeMetrics }),
    Consumer: new WorkQueue({ name: 'consumer', metrics: runtimeMetrics }),
  };
  const enqueue = (kind: AssetKind, key: string): void => queues[kind].add(key);
  const enqueueAll = (kind: AssetKind, resources: readonly KubernetesObject[]): void => {
    for (const { metadata } of resources) enqueue(kind, keyOf(metadata));
  };
  const waiting = new Waiting(enqueue);
  const world: AssetWorld = {
    ...options.world,
    waiting,
    onAligned: (asset, { outcome, observed }) => {
      if (!observed) return;
      if ('ack_floor' in observed) return positions.noteConsumer(asset, observed);
      const { claim } = asset;
      positions.noteStream(claim, observed.created);
      waiting.release(claim);
      // Those that it had are gone with the stream that it was before.
      if (outcome === 'created') enqueueAll('Consumer', caches.Consumer.byIndex(INDEX.stream, claim));
    },
  };
  const rounds = new Rounds({
    world,
    enqueue,
    factsMs: roundMs,
    resyncMs,
    busy: () => queues.Stream.depth + queues.Consumer.depth > 2 * concurrency,
    onError: (connection, error) =>
      log.warn({ connection, err: error }, 'a reading of the server was broken off'),
  });

  const changedInJetStream = (connection: string, { stream, consumer, gone }: Changed): void => {
    const claim = claimOf(connection, stream, consumer);
    if (consumer !== undefined) return enqueueAll('Consumer', caches.Consumer.byIndex(INDEX.claim, claim));
    const declared = caches.Stream.byIndex(INDEX.claim, claim);
    enqueueAll('Stream', declared);
    if (!gone) waiting.release(claim);
    // Where the stream is declared, its consumers are looked at after it.
    else if (declared.length === 0) enqueueAll('Consumer', caches.Consumer.byIndex(INDEX.stream, claim));
  };
  const changedInKubernetes =
    (kind: AssetKind) =>
    (change: InformerChange<KubernetesObject>): void => {
      if (!concerns(change)) return;
      enqueue(kind, change.key);
      // What has been held may be free now, or claimed by somebody older.
      for (const resource of change.type === 'updated' ? [change.object, change.previous] : [change.object]) {
        const asset = assetOf(kind, resource);
        if (!isReadable(asset)) continue;
        const rivals = caches[kind].byIndex(INDEX.claim, asset.claim);
        if (rivals.length > 1 || change.type === 'deleted') enqueueAll(kind, rivals);
        if (change.type !== 'deleted') continue;
        world.metrics.forget(asset);
        if (rivals.length === 0) positions.forget(asset.claim);
      }
    };
  const connectionDiffers = (connection: string): void => {
    for (const kind of KINDS) enqueueAll(kind, caches[kind].byIndex(INDEX.connection, connection));
  };
  const stops = [
    ...KINDS.map((kind) => caches[kind].onChange(changedInKubernetes(kind))),
    scope.onGained((namespace) => {
      for (const kind of KINDS) {
        enqueueAll(
          kind,
          caches[kind].list().filter(({ metadata }) => metadata.namespace === namespace),
        );
      }
    }),
    world.connections.onChange(connectionDiffers),
    followServers(world.pool, {
      onChanged: changedInJetStream,
      onGone: connectionDiffers,
      onBack: (connection) => {
        waiting.release(connection);
        rounds.hurry(connection);
      },
    }),
  ];
  try {
    await Promise.all([
      rounds.run(signal),
      ...KINDS.map((kind) => {
        const reconciler = new AssetReconciler(kind, world);
        return runWorkers({
          name: kind.toLowerCase(),
          queue: queues[kind],
          concurrency,
          reconcile: (key) => reconciler.reconcile(key),
          metrics: runtimeMetrics,
          log,
          signal,
        });
      }),
    ]);
  } finally {
    for (const stop of stops) stop();
  }
}

/** Statuses are ours; a pass over each of our own writes would only find them again. */
function concerns(change: InformerChange<KubernetesObject>): boolean {
  if (change.type !== 'updated') return true;
  const [now, before] = [change.object.metadata, change.previous.metadata];
  return (
    now.uid !== before.uid ||
    now.generation !== before.generation ||
    now.deletionTimestamp !== before.deletionTimestamp ||
    JSON.stringify(now.annotations) !== JSON.stringify(before.annotations) ||
    JSON.stringify(now.finalizers) !== JSON.stringify(before.finalizers)
  );
}
