import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { podAccess } from './pod-access';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-pod-'));
  await writeFile(join(folder, 'token'), 'first\n');
  await writeFile(join(folder, 'ca.crt'), 'CERTIFICATE');
  await writeFile(join(folder, 'namespace'), 'shop');
});
afterEach(() => rm(folder, { recursive: true }));

const pod = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '6443' };

test('a pod is its service account, with the token of the moment', async () => {
  const access = await podAccess(pod, folder);
  expect([access?.server, access?.namespace]).toEqual(['https://10.96.0.1:6443', 'shop']);
  expect(await access?.credentials()).toEqual({
    headers: { authorization: 'Bearer first' },
    tls: { ca: 'CERTIFICATE' },
  });
  await writeFile(join(folder, 'token'), 'second');
  expect((await access?.credentials())?.headers['authorization']).toBe('Bearer second');
});

test('an address of IPv6 stands in brackets', async () => {
  expect((await podAccess({ KUBERNETES_SERVICE_HOST: 'fd00::1' }, folder))?.server).toBe(
    'https://[fd00::1]:443',
  );
});

test('outside of a pod, and where a kubeconfig is named, there is none', async () => {
  expect(await podAccess({}, folder)).toBeUndefined();
  expect(await podAccess({ ...pod, KUBECONFIG: '/some/file' }, folder)).toBeUndefined();
  expect(await podAccess(pod, join(folder, 'none'))).toBeUndefined();
});
