import { setTimeout as sleep } from 'node:timers/promises';
import { type KubernetesClient, KubernetesConnectionError, type ResourceType } from '@headwater/kubernetes';
import type { ControllerConfig } from './config';

const NAMESPACE: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};

/** Milliseconds between attempts to read the namespace. */
const RETRY_MS = 1_000;

/**
 * What marks the streams and consumers of this cluster: as configured, else the uid of the watched namespace, or of
 * `kube-system`, which no cluster changes in its life. Waits for an API server that is away.
 *
 * @throws when the namespace is missing or may not be read
 */
export async function clusterIdOf(
  client: KubernetesClient,
  { HEADWATER_CLUSTER_ID: configured, HEADWATER_WATCH_NAMESPACE: watched = 'kube-system' }: ControllerConfig,
  signal: AbortSignal,
): Promise<string> {
  if (configured !== undefined) return configured;
  for (;;) {
    try {
      const namespace = await client.get(NAMESPACE, { name: watched }, signal);
      if (namespace?.metadata.uid !== undefined) return namespace.metadata.uid;
      throw new Error(
        `there is no namespace ${watched}; set HEADWATER_CLUSTER_ID or HEADWATER_WATCH_NAMESPACE`,
      );
    } catch (error) {
      if (signal.aborted || !(error instanceof KubernetesConnectionError)) throw error;
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}
