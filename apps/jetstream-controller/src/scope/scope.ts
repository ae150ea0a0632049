import type { ResourceType } from '@headwater/kubernetes';

/** Which namespaces this controller acts in. Two controllers never act on one object. */
export interface Scope {
  /** Namespace that its caches are limited to; undefined for all. */
  readonly namespace: string | undefined;
  /** Whether objects of a namespace are this controller's to act on, now. */
  owns(namespace: string): boolean;
  /** Runs work on an object of a namespace; whoever takes the namespace over waits until it has ended. */
  within<T>(namespace: string, work: () => Promise<T>): Promise<T>;
  /** Resolves when the first write may be made. @throws when the signal is aborted before */
  cleared(signal: AbortSignal): Promise<void>;
  /** Is told of a namespace that has come to this controller. Returns what ends that. */
  onGained(listener: (namespace: string) => void): () => void;
}

/**
 * A scoped controller's chart renders a ConfigMap of this name: the namespace is taken. One name everywhere, because rights
 * can be limited to a name and not to a label.
 */
export const MARKER_NAME = 'jetstream-controller-scope';

/** Set on the marker by a cluster-wide controller that has let go of the namespace. */
export const ACKNOWLEDGED = 'jetstream.headwater.dev/acknowledged-by';

/**
 * A marker's watch that has been silent for so long is taken for cut and is made again: a removed or new marker must be
 * seen well before the other side stops waiting.
 */
export const MARKER_SILENCE_MS = 10_000;

export const CONFIG_MAP: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};
