import type { KubeConfig } from '@kubernetes/client-node' with { 'resolution-mode': 'import' };
import { podAccess } from './pod-access';

/** TLS material; PEM. */
export interface ClusterTls {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  /** The name that the server's certificate must carry, if it is not the address's. */
  serverName?: string;
  /** false accepts any certificate. */
  verify?: boolean;
}

export interface ClusterCredentials {
  /** `authorization` and the like. */
  headers: Readonly<Record<string, string>>;
  tls: ClusterTls;
}

/** How to reach an API server, and as whom. */
export interface ClusterAccess {
  /** `https://host:port`, perhaps with a path. */
  server: string;
  /** The namespace of the kubeconfig's context or of the pod. */
  namespace?: string;
  /** An HTTP proxy on the way. */
  proxyUrl?: string;
  /** Asked now and then and after a 401, so that rotated tokens and certificates take effect. */
  credentials(): Promise<ClusterCredentials>;
}

/** Access with a token that does not change. */
export function tokenAccess(options: { server: string; ca: string; token: string }): ClusterAccess {
  const { server, ca, token } = options;
  const credentials: ClusterCredentials = { headers: { authorization: `Bearer ${token}` }, tls: { ca } };
  return { server, credentials: () => Promise.resolve(credentials) };
}

/**
 * Access as `KUBECONFIG`, `~/.kube/config` or the pod's service account describe it: the first that there is.
 *
 * `@kubernetes/client-node` reads kubeconfigs: it knows every way to log in. It is loaded only where there is one,
 * because it brings all of its generated models along (0.5 s, 70 MB), which a pod needs not.
 */
export async function accessFromEnvironment(): Promise<ClusterAccess> {
  const pod = await podAccess();
  if (pod) return pod;
  const { KubeConfig } = await import('@kubernetes/client-node');
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  return accessFromKubeConfig(kubeConfig);
}

/** Access as a kubeconfig's current context describes it. */
export function accessFromKubeConfig(kubeConfig: KubeConfig): ClusterAccess {
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) {
    throw new Error('the kubeconfig has no current context that names a cluster; set current-context');
  }
  const namespace = kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace;
  return {
    server: cluster.server,
    ...(namespace === undefined ? {} : { namespace }),
    ...(cluster.proxyUrl === undefined ? {} : { proxyUrl: cluster.proxyUrl }),
    credentials: async () => {
      const options: TlsOptions = {};
      await kubeConfig.applyToHTTPSOptions(options);
      return credentialsOf(options);
    },
  };
}

/** What client-node fills in of Node's `https.RequestOptions`. */
type TlsOptions = Parameters<KubeConfig['applyToHTTPSOptions']>[0];

function credentialsOf(options: TlsOptions): ClusterCredentials {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (typeof value === 'string') headers[name.toLowerCase()] = value;
  }
  if (typeof options.auth === 'string') {
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  }
  const tls: ClusterTls = {};
  const ca = pem(options.ca);
  const cert = pem(options.cert);
  const key = pem(options.key);
  if (ca !== undefined) tls.ca = ca;
  if (cert !== undefined) tls.cert = cert;
  if (key !== undefined) tls.key = key;
  if (options.servername !== undefined) tls.serverName = options.servername;
  if (options.rejectUnauthorized === false) tls.verify = false;
  return { headers, tls };
}

const pem = (value: unknown): string | Buffer | undefined =>
  typeof value === 'string' || Buffer.isBuffer(value) ? value : undefined;
