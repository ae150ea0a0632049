import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ClusterAccess } from './cluster-access';

/** Where a pod finds its service account. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Access as the pod's service account; undefined outside of a pod, and where a kubeconfig comes first. The token is read
 * again whenever it is asked for: the kubelet replaces it every hour.
 *
 * @param folder where the service account is mounted
 */
export async function podAccess(
  env: Readonly<Record<string, string | undefined>> = process.env,
  folder = SERVICE_ACCOUNT,
): Promise<ClusterAccess | undefined> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443', KUBECONFIG: file } = env;
  const token = join(folder, 'token');
  if (host === undefined || file || !existsSync(token) || existsSync(join(homedir(), '.kube', 'config')))
    return undefined;
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    namespace: (await read('namespace')).trim(),
    credentials: async () => ({
      headers: { authorization: `Bearer ${(await read('token')).trim()}` },
      tls: { ca: await read('ca.crt') },
    }),
  };
}
