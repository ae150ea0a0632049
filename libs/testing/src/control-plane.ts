import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { etcdSpec, findControlPlane, kubeApiserverSpec, ManagedProcess } from '@headwater/embedded';
import { ApiAccess, ApiRequest, requestApi } from './control-plane-request';
import { eventually } from './eventually';
import { reservePort } from './ports';

export interface TestControlPlaneOptions {
  /** Further flags of kube-apiserver. */
  flags?: readonly string[];
}

/** A real API server with its etcd, for one test file. Nothing acts on what is stored: no controllers, no nodes. */
export interface TestControlPlane {
  /** `https://127.0.0.1:port` */
  url: string;
  /** As a member of `system:masters`, who may do anything. */
  admin: ApiAccess;
  /** A kubeconfig file for the same. */
  kubeConfigFile: string;
  /** Anything, as admin; rejects with the server's sentence unless it answers with a 2xx. */
  request(request: ApiRequest): Promise<Record<string, unknown>>;
  /** A new namespace; nothing empties namespaces here, so each test takes a new one. */
  createNamespace(prefix?: string): Promise<string>;
  /** Custom resource definitions, applied and Established. */
  installCrds(...manifests: readonly object[]): Promise<void>;
  /** Access as a service account, which is made if there is none; its rights come from RBAC objects only. */
  serviceAccount(namespace: string, name: string): Promise<ApiAccess>;
  /** Forgets all history, so that old resource versions and continue tokens are refused with 410. */
  compact(): Promise<void>;
  /** SIGKILL of the API server; etcd stays. */
  kill(): Promise<void>;
  /** Starts the API server again, at the same address and with the same certificate. */
  restart(): Promise<void>;
  /** Stops and continues the API server's process: connections stay open and nothing is answered. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  stop(): Promise<void>;
}

/** Set by the run's set-up: why there is no control plane; empty when there is one. */
const MISSING = 'HEADWATER_TEST_CONTROL_PLANE_MISSING';

/** For the run's set-up: looks whether the tests that need a control plane can run. */
export async function lookForControlPlane(): Promise<void> {
  try {
    await findControlPlane();
    process.env[MISSING] = '';
  } catch (error) {
    process.env[MISSING] = error instanceof Error ? error.message : String(error);
  }
}

/**
 * `describe` for tests that need a control plane. They are left out, with a line, where it can't be had, and fail there
 * with `E2E_REQUIRE=1`.
 */
export function describeWithControlPlane(name: string, tests: () => void): void {
  const missing = process.env[MISSING];
  if (missing && process.env['E2E_REQUIRE'] !== '1') {
    process.stderr.write(`left out: ${name}: ${missing}\n`);
    describe.skip(name, tests);
  } else describe(name, tests);
}

/** Takes 3 s and 300 MB. */
export async function startTestControlPlane(
  options: TestControlPlaneOptions = {},
): Promise<TestControlPlane> {
  const binaries = await findControlPlane();
  const folder = await mkdtemp(join(tmpdir(), 'headwater-kube-'));
  const [etcdPort, port] = await Promise.all([reservePort(), reservePort()]);
  const token = randomBytes(16).toString('hex');
  await writeFile(join(folder, 'sa.key'), signingKey(), { mode: 0o600 });
  await writeFile(join(folder, 'tokens.csv'), `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
  const etcd = ManagedProcess.start(
    etcdSpec(binaries.etcd, { dataDir: join(folder, 'etcd'), port: etcdPort.port }),
  );
  const spec = kubeApiserverSpec(binaries.kubeApiserver, {
    folder,
    port: port.port,
    etcdPort: etcdPort.port,
    ...(options.flags ? { flags: options.flags } : {}),
  });
  const url = `https://127.0.0.1:${port.port}`;
  const start = async (): Promise<{ server: ManagedProcess; ca: string }> => {
    const server = ManagedProcess.start(spec);
    const ca = await eventually(async () => {
      if (!etcd.running || !server.running) {
        throw new Error(`the control plane has ended: ${etcd.output}\n${server.output}`);
      }
      const certificate = await readFile(join(folder, 'apiserver.crt'), 'utf8');
      await requestApi({ server: url, ca: certificate, token }, { method: 'GET', path: '/readyz' });
      return certificate;
    });
    return { server, ca };
  };
  let running;
  try {
    running = await start();
  } catch (error) {
    await etcd.kill();
    throw error;
  }
  const admin: ApiAccess = { server: url, ca: running.ca, token };
  let { server } = running;
  const request = (asked: ApiRequest): Promise<Record<string, unknown>> => requestApi(admin, asked);
  const kubeConfigFile = join(folder, 'kubeconfig.json');
  await writeFile(kubeConfigFile, kubeConfigOf(admin), { mode: 0o600 });
  return {
    url,
    admin,
    kubeConfigFile,
    request,
    createNamespace: async (prefix = 'test') => {
      const name = `${prefix}-${randomBytes(4).toString('hex')}`;
      await request({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name } } });
      return name;
    },
    installCrds: async (...manifests) => {
      for (const manifest of manifests) await installCrd(request, manifest);
    },
    serviceAccount: async (namespace, name) => {
      const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
      await request({ method: 'POST', path: accounts, body: { metadata: { name } } }).catch(
        (error: Error) => {
          if (!error.message.includes('already exists')) throw error;
        },
      );
      const made = await request({ method: 'POST', path: `${accounts}/${name}/token`, body: { spec: {} } });
      const { token: ofAccount } = made['status'] as { token: string };
      return { ...admin, token: ofAccount };
    },
    compact: () => compactEtcd(etcdPort.port),
    kill: () => server.kill(),
    restart: async () => {
      ({ server } = await start());
    },
    signal: (signal) => server.signal(signal),
    stop: async () => {
      await Promise.all([server.kill(), etcd.kill()]);
      await rm(folder, { recursive: true, force: true });
      await Promise.all([etcdPort.release(), port.release()]);
    },
  };
}

const signingKey = (): string =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;

/** JSON is YAML too. */
export function kubeConfigOf({ server, ca, token }: ApiAccess, namespace = 'default'): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'test', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
    'current-context': 'test',
  });
}

async function installCrd(request: TestControlPlane['request'], manifest: object): Promise<void> {
  const { name } = (manifest as { metadata: { name: string } }).metadata;
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
  await request({
    method: 'PATCH',
    path: `${path}?fieldManager=test&force=true`,
    body: manifest,
    contentType: 'application/apply-patch+yaml',
  });
  await eventually(async () => {
    const { spec, status } = (await request({ method: 'GET', path })) as {
      spec: { group: string; versions: { name: string }[]; names: { plural: string } };
      status?: { conditions?: { type: string; status: string; message: string }[] };
    };
    const found = status?.conditions?.find(({ type }) => type === 'Established');
    if (found?.status !== 'True') throw new Error(`${name} is not established: ${JSON.stringify(status)}`);
    // The handler follows the condition by a moment.
    const { group, versions, names } = spec;
    await request({ method: 'GET', path: `/apis/${group}/${versions[0]?.name}/${names.plural}?limit=1` });
  });
}

/** Through etcd's JSON door. */
async function compactEtcd(port: number): Promise<void> {
  const post = async (path: string, body: object): Promise<{ header: { revision: string } }> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`etcd: ${response.status} ${await response.text()}`);
    return (await response.json()) as { header: { revision: string } };
  };
  const { header } = await post('/v3/kv/range', { key: Buffer.from('x').toString('base64') });
  await post('/v3/kv/compaction', { revision: header.revision, physical: true });
}
