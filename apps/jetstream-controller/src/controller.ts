import {
  EventRecorder,
  Informer,
  type KubernetesClient,
  type KubernetesObject,
  runLeaderElection,
  type RuntimeMetrics,
} from '@headwater/kubernetes';
import type { ProcessContext } from '@headwater/platform';
import { type AssetKind, assetOf, claimOf, isReadable, TYPES } from './assets/asset';
import { INDEX } from './assets/asset-world';
import { Positions } from './assets/positions';
import { clusterIdOf } from './cluster-id';
import type { ControllerConfig } from './config';
import { ConnectionPool } from './connections/connection-pool';
import { Connections } from './connections/connections';
import { followProcessSettings } from './connections/process-settings';
import { ControllerMetrics } from './controller-metrics';
import { lead } from './lead';
import { readLag } from './scaler/read-lag';
import { startScaler } from './scaler/scaler-server';
import { openScope } from './scope/open-scope';

export interface ControllerContext extends ProcessContext {
  client: KubernetesClient;
  runtimeMetrics: RuntimeMetrics;
  /** Name of this process, unlike that of every other. */
  identity: string;
}

/** Who reports the events, and holds what the controller writes. */
const CONTROLLER = 'jetstream.headwater.dev/jetstream-controller';

/** Where the replicas meet when every namespace is watched and nothing else is said. */
const DEFAULT_LEASE_NAMESPACE = 'headwater';

/**
 * Starts the caches, the connections and the scaler, which every replica has, and stands for election; the elected one
 * acts. Resolves when all of it is started. What is away then, the API server too, is waited for in the background.
 */
export async function startController(context: ControllerContext, config: ControllerConfig): Promise<void> {
  const { client, runtimeMetrics, identity, log, readiness, metrics, onShutdown } = context;
  onShutdown('Kubernetes client', () => client.close());
  const stop = new AbortController();
  const running: Promise<void>[] = [];
  onShutdown('caches', async () => {
    stop.abort();
    await Promise.all(running);
  });
  const { HEADWATER_WATCH_NAMESPACE: namespace } = config;
  const inactivityMs = config.HEADWATER_WATCH_SILENCE_SECONDS * 1000;

  const cached = readiness.declare('caches');
  const clusterId = await clusterIdOf(client, config, stop.signal);
  const controllerMetrics = new ControllerMetrics(metrics);
  const cacheOf = (kind: AssetKind): Informer<KubernetesObject> => {
    const cache = new Informer({
      client,
      type: TYPES[kind],
      inactivityMs,
      ...(namespace === undefined ? {} : { namespace }),
      log,
      metrics: runtimeMetrics,
    });
    const indexed = (
      key: string,
      valueOf: (asset: ReturnType<typeof readable>) => string | undefined,
    ): void =>
      cache.addIndex(key, (resource) => {
        const value = valueOf(readable(kind, resource));
        return value === undefined ? [] : [value];
      });
    indexed(INDEX.claim, (asset) => asset?.claim);
    indexed(INDEX.connection, (asset) => asset?.connection);
    if (kind === 'Consumer') {
      indexed(INDEX.stream, (asset) => asset && claimOf(asset.connection, asset.stream));
    }
    return cache;
  };
  const caches = { Stream: cacheOf('Stream'), Consumer: cacheOf('Consumer') };
  const recorder = new EventRecorder({
    client,
    controller: CONTROLLER,
    instance: identity,
    metrics: runtimeMetrics,
    log,
  });
  onShutdown('events', () => recorder.close());
  const { scope, marker } = openScope({ client, config, identity, log, runtimeMetrics });

  const pool = new ConnectionPool(`jetstream-controller ${identity}`);
  onShutdown('NATS', () => pool.close());
  onShutdown('process settings', followProcessSettings(pool, config, log));
  const connections = new Connections({
    client,
    pool,
    scope,
    inactivityMs,
    runtimeMetrics,
    metrics: controllerMetrics,
    log,
    objectsOf: (connection) =>
      caches.Stream.byIndex(INDEX.connection, connection).length +
      caches.Consumer.byIndex(INDEX.connection, connection).length,
  });

  running.push(
    ...[caches.Stream, caches.Consumer, ...(marker ? [marker] : [])].map((cache) => cache.run(stop.signal)),
    connections.run(stop.signal),
  );
  const synced = Promise.all([
    caches.Stream.synced,
    caches.Consumer.synced,
    connections.synced,
    marker?.synced,
  ]);
  void synced.then(() => cached.up());

  const scaler = await startScaler({
    host: config.HEADWATER_SCALER_HOST,
    port: config.HEADWATER_SCALER_PORT,
    lagOf: (trigger) => readLag(trigger, caches.Consumer, pool),
    onError: (error) => log.error({ err: error }, 'a call of the scaler met an unexpected error'),
  });
  onShutdown('scaler', () => scaler.close());

  const election = synced.then(() =>
    runLeaderElection({
      client,
      namespace: config.HEADWATER_LEASE_NAMESPACE ?? namespace ?? DEFAULT_LEASE_NAMESPACE,
      name: config.HEADWATER_LEASE_NAME,
      identity,
      signal: stop.signal,
      metrics: runtimeMetrics,
      log,
      lead: (signal) =>
        connections.whileLeading(() =>
          lead(
            {
              world: {
                clusterId,
                client,
                caches,
                pool,
                scope,
                recorder,
                metrics: controllerMetrics,
                positions: new Positions(),
                factsMs: config.HEADWATER_FACTS_SECONDS * 1000,
                now: () => new Date(),
                connections,
              },
              concurrency: config.HEADWATER_CONCURRENCY,
              roundMs: config.HEADWATER_FACTS_SECONDS * 1000,
              resyncMs: config.HEADWATER_RESYNC_SECONDS * 1000,
              runtimeMetrics,
              log,
            },
            signal,
          ),
        ),
    }),
  );
  running.push(
    election.catch((error: unknown) => {
      if (stop.signal.aborted) return;
      // What was under way has ended; a new process begins with nothing half known.
      log.fatal({ err: error }, 'leadership is lost');
      log.flush();
      process.exit(1);
    }),
  );
  log.info({ scaler: scaler.port, clusterId, namespace: namespace ?? 'all' }, 'watching');
}

function readable(kind: AssetKind, resource: KubernetesObject) {
  const asset = assetOf(kind, resource);
  return isReadable(asset) ? asset : undefined;
}
