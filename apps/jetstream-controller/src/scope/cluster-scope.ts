import { setTimeout as sleep } from 'node:timers/promises';
import type { Informer, KubernetesClient, KubernetesObject } from '@headwater/kubernetes';
import { ACKNOWLEDGED, CONFIG_MAP, type Scope } from './scope';

export interface ClusterScopeOptions {
  client: KubernetesClient;
  /** The markers of all namespaces, and nothing else. */
  markers: Informer<KubernetesObject>;
  /** Name of this replica, for the acknowledgement. */
  identity: string;
  /** Milliseconds after a marker's removal before its namespace is taken: its controller may still be ending. */
  handoverMs: number;
  /** An acknowledgement that could not be written. */
  onError: (namespace: string, error: unknown) => void;
}

/** Milliseconds before a failed acknowledgement is tried again. */
const RETRY_MS = 1_000;

/** Every namespace without a marker. */
export class ClusterScope implements Scope {
  readonly namespace = undefined;
  private readonly inFlight = new Map<string, Set<Promise<unknown>>>();
  private readonly handedOver = new Map<string, NodeJS.Timeout>();
  private readonly listeners = new Set<(namespace: string) => void>();
  private leading: AbortSignal | undefined;

  constructor(private readonly options: ClusterScopeOptions) {
    const { markers } = options;
    markers.addIndex('namespace', ({ metadata }) => (metadata.namespace ? [metadata.namespace] : []));
    markers.onChange(({ type, object }) => {
      const namespace = object.metadata.namespace ?? '';
      if (type === 'deleted') this.waitFor(namespace);
      else void this.acknowledge(object);
    });
  }

  owns(namespace: string): boolean {
    const { markers } = this.options;
    return (
      markers.hasSynced &&
      markers.byIndex('namespace', namespace).length === 0 &&
      !this.handedOver.has(namespace)
    );
  }

  async within<T>(namespace: string, work: () => Promise<T>): Promise<T> {
    const running = work();
    const inFlight = this.inFlight.get(namespace) ?? new Set();
    this.inFlight.set(namespace, inFlight.add(running));
    try {
      return await running;
    } finally {
      inFlight.delete(running);
      if (inFlight.size === 0) this.inFlight.delete(namespace);
    }
  }

  /** Leads from here on: only a leader's acknowledgement says that nobody else of this release is at work. */
  async cleared(signal: AbortSignal): Promise<void> {
    await this.options.markers.synced;
    signal.throwIfAborted();
    this.leading = signal;
    for (const marker of this.options.markers.list()) void this.acknowledge(marker);
  }

  onGained(listener: (namespace: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Ends what is waited for. */
  close(): void {
    for (const timer of this.handedOver.values()) clearTimeout(timer);
    this.handedOver.clear();
  }

  private waitFor(namespace: string): void {
    clearTimeout(this.handedOver.get(namespace));
    const timer = setTimeout(() => {
      this.handedOver.delete(namespace);
      if (this.owns(namespace)) for (const listener of this.listeners) listener(namespace);
    }, this.options.handoverMs);
    timer.unref();
    this.handedOver.set(namespace, timer);
  }

  private async acknowledge({ metadata }: KubernetesObject): Promise<void> {
    const { client, identity, onError } = this.options;
    const { namespace = '', name } = metadata;
    const signal = this.leading;
    if (!signal || metadata.annotations?.[ACKNOWLEDGED] !== undefined) return;
    await Promise.allSettled(this.inFlight.get(namespace) ?? []);
    while (!signal.aborted && !this.owns(namespace)) {
      try {
        await client.patch(
          CONFIG_MAP,
          { namespace, name },
          { metadata: { annotations: { [ACKNOWLEDGED]: identity } } },
        );
        return;
      } catch (error) {
        onError(namespace, error);
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
