import type { Convergence } from '@headwater/jetstream-resources';
import type { EventRecorder, Informer, KubernetesClient, KubernetesObject } from '@headwater/kubernetes';
import type { Waiting } from '../changes/waiting';
import type { ConnectionPool } from '../connections/connection-pool';
import type { Connections } from '../connections/connections';
import type { ControllerMetrics } from '../controller-metrics';
import type { Scope } from '../scope/scope';
import type { Asset, AssetKind } from './asset';
import type { Positions } from './positions';

/** What the reconciling of streams and consumers works with. */
export interface AssetWorld {
  /** Marks what this cluster's controllers have made. */
  readonly clusterId: string;
  readonly client: KubernetesClient;
  readonly caches: Readonly<Record<AssetKind, Informer<KubernetesObject>>>;
  readonly pool: ConnectionPool;
  readonly scope: Scope;
  readonly recorder: EventRecorder;
  readonly metrics: ControllerMetrics;
  readonly positions: Positions;
  /** Least milliseconds between two status writes for one object that tell only new counts. */
  readonly factsMs: number;
  readonly now: () => Date;
  readonly connections: Pick<Connections, 'refusal' | 'onChange'>;
  readonly waiting: Waiting;
  /** Is told when JetStream has been asked about an object, and what came of it. */
  onAligned(asset: Asset, result: Convergence): void;
}

/** Names of the caches' indexes. */
export const INDEX = {
  /** Resources by the one object of JetStream that they are about. */
  claim: 'claim',
  /** Resources by the connection they use. */
  connection: 'connection',
  /** Consumers by the claim of their stream. */
  stream: 'stream',
} as const;
