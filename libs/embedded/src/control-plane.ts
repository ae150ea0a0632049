import { join } from 'node:path';
import { SetupError } from './cache';
import { builtTool, buildWithGo, executable, onPath } from './find-tool';
import { ProcessSpec } from './process-spec';

/** The pinned versions; `tools/kube-apiserver/go.mod` and `tools/etcd/go.mod` say the same. */
export const KUBERNETES_VERSION = '1.34.4';
export const ETCD_VERSION = '3.6.16';

/** What a Kubernetes API consists of, without anything that acts on it. */
export interface ControlPlaneBinaries {
  etcd: string;
  kubeApiserver: string;
}

export interface FindControlPlaneOptions {
  /** The folder with the pinned Go modules `etcd` and `kube-apiserver`; absent: nothing is built. */
  buildFrom?: string;
  /** Is told in one line what takes long, and that it still goes on. */
  progress?: (line: string) => void;
  /** Ends the building. */
  signal?: AbortSignal;
}

/**
 * etcd and kube-apiserver: from the folder `KUBEBUILDER_ASSETS`, else from PATH, else built by an earlier call, else built
 * from the pinned Go modules into the cache folder (about five minutes on two cores, once per machine).
 *
 * @throws SetupError with the sentence that says what is missing
 */
export async function findControlPlane(options: FindControlPlaneOptions = {}): Promise<ControlPlaneBinaries> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets) {
    const found = { etcd: join(assets, 'etcd'), kubeApiserver: join(assets, 'kube-apiserver') };
    if (await bothThere(found)) return found;
    throw new SetupError(`KUBEBUILDER_ASSETS names ${assets}, which does not hold etcd and kube-apiserver`);
  }
  const [etcd, kubeApiserver] = await Promise.all([onPath('etcd'), onPath('kube-apiserver')]);
  if (etcd !== undefined && kubeApiserver !== undefined) return { etcd, kubeApiserver };

  const built = {
    etcd: builtTool('etcd', ETCD_VERSION),
    kubeApiserver: builtTool('kube-apiserver', KUBERNETES_VERSION),
  };
  if (await bothThere(built)) return built;
  if (options.buildFrom === undefined) {
    throw new SetupError(
      'etcd and kube-apiserver are not on PATH, not in KUBEBUILDER_ASSETS, and not built yet; `npm test` builds them with Go',
    );
  }
  if (!(await onPath('go'))) {
    throw new SetupError(
      'etcd and kube-apiserver are not on PATH, and Go, to build them, is not there either; install Go or set KUBEBUILDER_ASSETS',
    );
  }
  return build(options.buildFrom, options);
}

const bothThere = async (binaries: ControlPlaneBinaries): Promise<boolean> =>
  (await executable(binaries.etcd)) && (await executable(binaries.kubeApiserver));

/** One after the other: the compiler uses all cores by itself. */
async function build(
  toolsDir: string,
  { progress = () => undefined, signal }: FindControlPlaneOptions,
): Promise<ControlPlaneBinaries> {
  const etcd = await buildWithGo({
    name: 'etcd',
    version: ETCD_VERSION,
    moduleDir: join(toolsDir, 'etcd'),
    package: '.',
    duration: 'about half a minute',
    progress,
    signal,
  });
  const [major, minor] = KUBERNETES_VERSION.split('.');
  const version = 'k8s.io/component-base/version';
  const kubeApiserver = await buildWithGo({
    name: 'kube-apiserver',
    version: KUBERNETES_VERSION,
    moduleDir: join(toolsDir, 'kube-apiserver'),
    package: '.',
    // Unset, the server takes itself for version 0.0 and leaves features out.
    ldflags: [
      `-X ${version}.gitVersion=v${KUBERNETES_VERSION}`,
      `-X ${version}.gitMajor=${major}`,
      `-X ${version}.gitMinor=${minor}`,
      `-X ${version}.gitTreeState=clean`,
    ],
    duration: 'about five minutes on two cores',
    progress,
    signal,
  });
  return { etcd, kubeApiserver };
}

/** A single etcd that never syncs to disk: its data is for one test. */
export function etcdSpec(binary: string, options: { dataDir: string; port: number }): ProcessSpec {
  const url = `http://127.0.0.1:${options.port}`;
  return {
    name: 'etcd',
    command: binary,
    args: [
      `--data-dir=${options.dataDir}`,
      '--unsafe-no-fsync',
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      '--listen-peer-urls=http://127.0.0.1:0',
      '--log-level=error',
    ],
    stopSignal: 'SIGKILL',
  };
}

export interface KubeApiserverOptions {
  /** Holds `sa.key`, the key that signs service account tokens, and `tokens.csv`, the users; the server puts its certificate here. */
  folder: string;
  port: number;
  etcdPort: number;
  /** Further flags. */
  flags?: readonly string[];
}

/** A kube-apiserver on loopback with RBAC; no controller acts on what is stored in it. */
export function kubeApiserverSpec(binary: string, options: KubeApiserverOptions): ProcessSpec {
  const { folder } = options;
  const key = join(folder, 'sa.key');
  return {
    name: 'kube-apiserver',
    command: binary,
    args: [
      `--etcd-servers=http://127.0.0.1:${options.etcdPort}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${options.port}`,
      `--cert-dir=${folder}`,
      `--token-auth-file=${join(folder, 'tokens.csv')}`,
      '--authorization-mode=Node,RBAC',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${key}`,
      `--service-account-signing-key-file=${key}`,
      '--service-cluster-ip-range=10.0.0.0/24',
      // There are no nodes, and nobody makes the service account that every pod would have to name.
      '--endpoint-reconciler-type=none',
      '--disable-admission-plugins=ServiceAccount',
      ...(options.flags ?? []),
    ],
    // In order, it waits a minute for its watches to end.
    stopSignal: 'SIGKILL',
  };
}
