import {
  CONNECTION,
  type ConnectionSpec,
  connectionSpec,
  type ConnectionStatus,
} from '@headwater/jetstream-resources';
import {
  type ConditionStatus,
  Informer,
  type KubernetesClient,
  type KubernetesObject,
  keyOf,
  refOf,
  type ResourceType,
  type RuntimeLog,
  type RuntimeMetrics,
  runWorkers,
  setCondition,
  StatusWriter,
  WorkQueue,
} from '@headwater/kubernetes';
import { faultsOf, FIELD_MANAGER } from '../assets/asset';
import { stalled, type Verdict, waiting } from '../assets/verdict';
import type { ControllerMetrics } from '../controller-metrics';
import type { Scope } from '../scope/scope';
import { type ConnectionPool, DEFAULT_CONNECTION } from './connection-pool';
import { natsSettings } from './nats-settings';
import { ConnectionFault, readParts, secretsOf } from './read-parts';
import { SecretWatches } from './secret-watches';

export interface ConnectionsOptions {
  client: KubernetesClient;
  pool: ConnectionPool;
  scope: Scope;
  /** Milliseconds of silence after which a watch is taken for cut. */
  inactivityMs: number;
  runtimeMetrics: RuntimeMetrics;
  metrics: ControllerMetrics;
  log: RuntimeLog;
  /** How many streams and consumers use a connection. */
  objectsOf: (connection: string) => number;
}

const TYPE: ResourceType = { ...CONNECTION, namespaced: true };

/** A Connection fails for its Secrets or its server, and both wake it; this is for a Secret that may not be watched. */
const RETRY_FAULT_MS = 30_000;

/** Connections worked on at once. */
const CONCURRENCY = 4;

/**
 * The Connection resources: makes the pool hold what they say, and says in their status whether that works. Every replica
 * connects, for the scaler and to be ready; the leader alone writes.
 */
export class Connections {
  readonly synced: Promise<void>;
  private readonly cache: Informer<KubernetesObject>;
  private readonly queue: WorkQueue;
  private readonly secrets: SecretWatches;
  private readonly status: StatusWriter;
  private leading = false;

  constructor(private readonly options: ConnectionsOptions) {
    const { client, scope, log, runtimeMetrics, pool, metrics, inactivityMs } = options;
    this.cache = new Informer({
      client,
      type: TYPE,
      inactivityMs,
      ...(scope.namespace === undefined ? {} : { namespace: scope.namespace }),
      log,
      metrics: runtimeMetrics,
    });
    this.synced = this.cache.synced;
    this.queue = new WorkQueue({ name: 'connection', metrics: runtimeMetrics });
    this.status = new StatusWriter({ client, type: TYPE, fieldManager: FIELD_MANAGER });
    this.secrets = new SecretWatches({ client, log, onChange: (connection) => this.queue.add(connection) });
    this.cache.onChange(({ type, key, object, ...change }) => {
      const before = 'previous' in change ? change.previous.metadata.generation : undefined;
      if (type !== 'updated' || before !== object.metadata.generation) this.queue.add(key);
    });
    pool.onChange((key) => {
      metrics.connected.set({ connection: key }, pool.serverOf(key).status === 'connected' ? 1 : 0);
      if (key !== DEFAULT_CONNECTION) this.queue.add(key);
    });
    scope.onGained((namespace) => this.lookAt(namespace));
  }

  /** Goes on until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, runtimeMetrics } = this.options;
    await Promise.all([
      this.cache.run(signal),
      runWorkers({
        name: 'connection',
        queue: this.queue,
        concurrency: CONCURRENCY,
        reconcile: (key) => this.reconcile(key),
        metrics: runtimeMetrics,
        log,
        signal,
      }),
    ]);
    this.secrets.close();
  }

  /** Statuses are written while the work goes on. */
  async whileLeading(work: () => Promise<void>): Promise<void> {
    this.leading = true;
    this.lookAt();
    try {
      await work();
    } finally {
      this.leading = false;
    }
  }

  /** Is told of every change to a Connection, by its key. Returns what ends that. */
  onChange(listener: (connection: string) => void): () => void {
    return this.cache.onChange(({ key }) => listener(key));
  }

  /** Why objects of a namespace can't use a connection at all; undefined when they can. */
  refusal(connection: string, namespace: string): Verdict | undefined {
    if (connection === DEFAULT_CONNECTION) return undefined;
    const { namespace: owner = '', name } = refOf(connection);
    const { scope } = this.options;
    if (!scope.owns(owner)) {
      const message =
        scope.namespace === undefined
          ? `the Connection ${connection} belongs to the controller of its namespace; use one of a namespace that has none`
          : `this controller knows only the namespace ${scope.namespace}; make a Connection ${name} there`;
      return stalled('ConnectionNotAllowed', message);
    }
    const resource = this.cache.get(connection);
    if (!resource) return waiting('ConnectionNotFound', `there is no Connection ${connection}`);
    const spec = connectionSpec.safeParse(resource.spec).data;
    if (
      owner === namespace ||
      spec?.allowedNamespaces?.some((allowed) => allowed === namespace || allowed === '*')
    ) {
      return undefined;
    }
    const message = `the Connection ${connection} does not name ${namespace} in spec.allowedNamespaces`;
    return stalled('ConnectionNotAllowed', message);
  }

  private lookAt(namespace?: string): void {
    for (const { metadata } of this.cache.list()) {
      if (namespace === undefined || metadata.namespace === namespace) {
        this.queue.add(keyOf(metadata));
      }
    }
  }

  private async reconcile(key: string): Promise<{ requeueAfterMs?: number }> {
    const { pool, scope, metrics } = this.options;
    const resource = this.cache.get(key);
    const { namespace = '' } = refOf(key);
    if (!resource || !scope.owns(namespace)) {
      this.secrets.use(key, namespace, new Set());
      this.status.forget(key);
      await pool.remove(key);
      metrics.connected.remove({ connection: key });
      return {};
    }
    return scope.within(namespace, async () => {
      const spec = connectionSpec.safeParse(resource.spec);
      if (!spec.success) {
        await this.tell(key, resource, new ConnectionFault('InvalidSpec', faultsOf(spec.error.issues)));
        return {};
      }
      const fault = await this.connect(key, namespace, spec.data);
      await this.tell(key, resource, fault);
      return fault ? { requeueAfterMs: RETRY_FAULT_MS } : {};
    });
  }

  /** Gives the pool what the spec and its Secrets say; what can't be read leaves the pool as it is. */
  private async connect(
    key: string,
    namespace: string,
    spec: ConnectionSpec,
  ): Promise<ConnectionFault | undefined> {
    this.secrets.use(key, namespace, secretsOf(spec));
    try {
      this.options.pool.set(key, natsSettings(await readParts(this.options.client, namespace, spec)));
      return undefined;
    } catch (error) {
      if (error instanceof ConnectionFault) return error;
      throw error;
    }
  }

  private async tell(
    key: string,
    resource: KubernetesObject,
    fault: ConnectionFault | undefined,
  ): Promise<void> {
    if (!this.leading) return;
    const { pool, objectsOf } = this.options;
    const before = (resource.status ?? {}) as Partial<ConnectionStatus>;
    const state = pool.stateOf(key);
    const server = pool.serverOf(key);
    const generation = resource.metadata.generation ?? 0;
    const [ready, reason, message]: [ConditionStatus, string, string] = fault
      ? ['False', fault.reason, fault.message]
      : state?.status === 'connected'
        ? ['True', 'Connected', 'is connected']
        : ['False', state?.fault ?? 'Unreachable', state?.message ?? 'has not been reached yet'];
    const conditions = setCondition(
      before.conditions ?? [],
      { type: 'Ready', status: ready, reason, message, observedGeneration: generation },
      new Date(),
    );
    const status: ConnectionStatus = {
      conditions: [...conditions],
      observedGeneration: generation,
      objects: objectsOf(key),
      ...(server.status === 'connected'
        ? { serverVersion: server.api.serverVersion(), connectedUrl: server.connection.getServer() }
        : {}),
    };
    await this.status.write(resource, status);
  }
}
