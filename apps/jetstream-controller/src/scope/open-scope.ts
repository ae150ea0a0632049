import {
  Informer,
  type KubernetesClient,
  type KubernetesObject,
  type RuntimeLog,
  type RuntimeMetrics,
} from '@headwater/kubernetes';
import type { ControllerConfig } from '../config';
import { ClusterScope } from './cluster-scope';
import { NamespaceScope } from './namespace-scope';
import { CONFIG_MAP, MARKER_NAME, MARKER_SILENCE_MS, type Scope } from './scope';

export interface OpenScopeOptions {
  client: KubernetesClient;
  config: ControllerConfig;
  /** Name of this process. */
  identity: string;
  log: RuntimeLog;
  runtimeMetrics: RuntimeMetrics;
}

/** The scope that the configuration asks for, and the cache of the markers that it depends on, which is yet to be run. */
export function openScope({ client, config, identity, log, runtimeMetrics }: OpenScopeOptions): {
  scope: Scope;
  marker?: Informer<KubernetesObject>;
} {
  const {
    HEADWATER_WATCH_NAMESPACE: namespace,
    HEADWATER_SCOPE_MARKER: name,
    HEADWATER_HANDOVER_SECONDS: seconds,
  } = config;
  const informer = (options: { namespace?: string; fieldSelector: string }) =>
    new Informer({
      client,
      type: CONFIG_MAP,
      ...options,
      inactivityMs: MARKER_SILENCE_MS,
      log,
      metrics: runtimeMetrics,
    });
  if (namespace === undefined) {
    const marker = informer({ fieldSelector: `metadata.name=${MARKER_NAME}` });
    const onError = (of: string, error: unknown): void =>
      log.warn(
        { err: error, namespace: of },
        'could not acknowledge that a namespace has a controller of its own',
      );
    return {
      scope: new ClusterScope({ client, markers: marker, identity, handoverMs: seconds * 1000, onError }),
      marker,
    };
  }
  const marker =
    name === undefined ? undefined : informer({ namespace, fieldSelector: `metadata.name=${name}` });
  return { scope: new NamespaceScope(namespace, marker, seconds * 1000), ...(marker ? { marker } : {}) };
}
