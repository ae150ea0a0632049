import { createConnection } from 'node:net';
import { readFile } from 'node:fs/promises';
import {
  describeWithControlPlane,
  eventually,
  startTcpProxy,
  startTestControlPlane,
  TestControlPlane,
} from './index';
import { requestApi } from './control-plane-request';

describeWithControlPlane('a control plane of its own', () => {
  let control: TestControlPlane;
  beforeAll(async () => {
    control = await startTestControlPlane();
  });
  afterAll(() => control.stop());

  test('keeps what is stored over a kill and a restart of the API server', async () => {
    const namespace = await control.createNamespace();
    await control.kill();
    await expect(control.request({ method: 'GET', path: '/readyz' })).rejects.toThrow('ECONNREFUSED');
    await control.restart();
    const found = await control.request({ method: 'GET', path: `/api/v1/namespaces/${namespace}` });
    expect(found['metadata']).toMatchObject({ name: namespace });
  });

  test('lets a service account do what its roles say and nothing else', async () => {
    const namespace = await control.createNamespace();
    const account = await control.serviceAccount(namespace, 'reader');
    const read = (): Promise<unknown> =>
      requestApi(account, { method: 'GET', path: `/api/v1/namespaces/${namespace}/secrets` });
    await expect(read()).rejects.toThrow(`system:serviceaccount:${namespace}:reader`);
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    const metadata = { name: 'reader' };
    const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['list'] }];
    await control.request({ method: 'POST', path: `${rbac}/roles`, body: { metadata, rules } });
    const body = {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace }],
    };
    await control.request({ method: 'POST', path: `${rbac}/rolebindings`, body });
    expect(await eventually(read)).toMatchObject({ kind: 'SecretList', items: [] });
  });

  test('writes a kubeconfig that names the server', async () => {
    const kubeConfig: unknown = JSON.parse(await readFile(control.kubeConfigFile, 'utf8'));
    expect(kubeConfig).toMatchObject({ clusters: [{ cluster: { server: control.url } }] });
  });
});

test('a frozen proxy holds bytes back without ending the connection', async () => {
  const { createServer } = await import('node:net');
  const echo = createServer((socket) => {
    socket.pipe(socket);
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const proxy = await startTcpProxy((echo.address() as { port: number }).port);
  const client = createConnection(proxy.port, '127.0.0.1');
  let heard = '';
  let ended = false;
  client.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  client.on('close', () => (ended = true));
  client.on('error', (error) => expect(error.message).toContain('ECONNRESET'));
  client.write('one ');
  await eventually(() => expect(heard).toBe('one '));
  proxy.freeze();
  client.write('two ');
  const second = createConnection(proxy.port, '127.0.0.1');
  second.on('error', (error) => expect(error.message).toContain('ECONNRESET'));
  second.write('passes');
  const passed = await new Promise<Buffer>((resolve) => second.once('data', resolve));
  expect(passed.toString()).toBe('passes');
  expect({ heard, ended }).toEqual({ heard: 'one ', ended: false });
  proxy.thaw();
  await eventually(() => expect(heard).toBe('one two '));
  proxy.cutAll();
  await eventually(() => expect(ended).toBe(true));
  second.destroy();
  await proxy.close();
  await new Promise<void>((resolve) => echo.close(() => resolve()));
});
