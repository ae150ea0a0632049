import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  describeWithControlPlane,
  kubeConfigOf,
  startTestControlPlane,
  TestControlPlane,
} from '@headwater/testing';
import { accessFromEnvironment, accessFromKubeConfig, KubernetesClient } from './index';
import { podAccess } from './pod-access';

/** Where a pod finds its account, below the folder that stands for its root. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

describeWithControlPlane('access to a cluster', () => {
  let control: TestControlPlane;
  let folder: string;
  const before = process.env['KUBECONFIG'];
  beforeAll(async () => {
    control = await startTestControlPlane();
    folder = await mkdtemp(join(tmpdir(), 'headwater-access-'));
    await mkdir(join(folder, ACCOUNT), { recursive: true });
  });
  afterEach(() => {
    if (before === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = before;
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await control.stop();
  });

  const userOf = async (client: KubernetesClient): Promise<unknown> => {
    const review = await client.request({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    });
    const { status } = review as { status: { userInfo: { username: string } } };
    return status.userInfo.username;
  };

  test('comes from a kubeconfig file, with the namespace of its context', async () => {
    process.env['KUBECONFIG'] = control.kubeConfigFile;
    const access = await accessFromEnvironment();
    expect(access).toMatchObject({ server: control.url, namespace: 'default' });
    const client = new KubernetesClient({ access });
    expect(await userOf(client)).toBe('admin');
    await client.close();
  });

  test('comes from the pod’s service account', async () => {
    const namespace = await control.createNamespace();
    const account = await control.serviceAccount(namespace, 'pod');
    const files = { token: account.token, 'ca.crt': account.ca, namespace };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, ACCOUNT, name), text);
    const { port } = new URL(control.url);
    const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: port };
    const access = await podAccess(env, join(folder, ACCOUNT));
    if (access === undefined) throw new Error('no access was found');
    const client = new KubernetesClient({ access });
    expect(client.namespace).toBe(namespace);
    expect(await userOf(client)).toBe(`system:serviceaccount:${namespace}:pod`);
    await client.close();
  });

  test('follows a file whose credentials were replaced, on connections that trust the new authority', async () => {
    const { KubeConfig } = await import('@kubernetes/client-node');
    const file = join(folder, 'kubeconfig');
    const certificate = join(folder, 'ca.crt');
    await writeFile(certificate, 'no certificate');
    const config = JSON.parse(kubeConfigOf(control.admin)) as {
      clusters: { cluster: Record<string, string> }[];
    };
    for (const { cluster } of config.clusters) {
      delete cluster['certificate-authority-data'];
      cluster['certificate-authority'] = certificate;
    }
    await writeFile(file, JSON.stringify(config));
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(file);
    const read = accessFromKubeConfig(kubeConfig);
    let asked = 0;
    const client = new KubernetesClient({
      access: {
        ...read,
        credentials: () => {
          asked++;
          return read.credentials();
        },
      },
    });
    await expect(client.version()).rejects.toThrow('no answer from the API server');
    await writeFile(certificate, control.admin.ca);
    expect((await client.version()).major).toBe('1');
    expect((await client.version()).major).toBe('1');
    expect(asked).toBe(2);
    await client.close();
  });

  test('is refused with a sentence when no context is chosen', async () => {
    const { KubeConfig } = await import('@kubernetes/client-node');
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString('{"clusters":[],"contexts":[],"users":[]}');
    expect(() => accessFromKubeConfig(kubeConfig)).toThrow('set current-context');
  });
});
