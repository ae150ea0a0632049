import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { apply, kubectl } from './cluster';

/** What `npm run e2e -- --full` has built and loaded of KEDA: its image, and its sources with the manifests. */
export interface KedaBuild {
  image: string;
  sources: string;
}

export function kedaBuild(): KedaBuild | undefined {
  const { E2E_KEDA_IMAGE: image, E2E_KEDA_SOURCES: sources } = process.env;
  return image && sources ? { image, sources } : undefined;
}

interface Workload {
  kind: string;
  spec?: { template?: { spec: { containers: { image: string; imagePullPolicy: string }[] } } };
}

/** KEDA's own manifests, with the operator and the metrics adapter from one image that is there already. */
async function manifests({ image, sources }: KedaBuild): Promise<string> {
  const rendered = await kubectl('kustomize', join(sources, 'config', 'minimal'));
  return parseAllDocuments(rendered)
    .map((document) => {
      const object = document.toJS() as Workload;
      for (const container of object.spec?.template?.spec.containers ?? []) {
        container.image = image;
        container.imagePullPolicy = 'IfNotPresent';
      }
      return JSON.stringify(object);
    })
    .join('\n---\n');
}

/** Installs KEDA and waits until the API server serves its metrics. */
export async function installKeda(build: KedaBuild): Promise<void> {
  const all = await manifests(build);
  // Server-side: the definitions are too large for the annotation that a plain apply leaves behind.
  await apply(undefined, all, '--server-side', '--force-conflicts');
  for (const name of ['keda-operator', 'keda-metrics-apiserver'])
    await kubectl('-n', 'keda', 'rollout', 'status', `deployment/${name}`, '--timeout=240s');
  await kubectl(
    ...['wait', '--for=condition=Available', 'apiservice/v1beta1.external.metrics.k8s.io'],
    '--timeout=120s',
  );
}

/** Takes it away again, with what it has defined. */
export async function removeKeda(): Promise<void> {
  await kubectl('delete', 'apiservice', 'v1beta1.external.metrics.k8s.io', '--ignore-not-found');
  await kubectl('delete', 'namespace', 'keda', '--ignore-not-found', '--timeout=180s');
  await kubectl('delete', 'crd', '-l', 'app.kubernetes.io/part-of=keda-operator', '--ignore-not-found');
}
