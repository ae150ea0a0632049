import { createServer, IncomingMessage, Server, ServerResponse } from 'node:http';
import { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { describeWithControlPlane, startTestControlPlane, TestControlPlane } from '@headwater/testing';
import {
  isConflict,
  isForbidden,
  KubernetesApiError,
  KubernetesClient,
  KubernetesConnectionError,
  RuntimeMetrics,
  tokenAccess,
} from './index';
import { clientOf, Widget, WIDGET, WIDGET_CRD, widget } from '../test/fixture';

const CONFIG_MAP = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };

describeWithControlPlane('the client against a real API server', () => {
  let control: TestControlPlane;
  let client: KubernetesClient;
  beforeAll(async () => {
    control = await startTestControlPlane();
    await control.installCrds(WIDGET_CRD);
    client = clientOf(control.admin);
  });
  afterAll(async () => {
    await client.close();
    await control.stop();
  });

  test('creates, reads, replaces, patches and deletes', async () => {
    const namespace = await control.createNamespace();
    const ref = { namespace, name: 'a' };
    expect(await client.get(WIDGET, ref)).toBeUndefined();
    const created = await client.create<Widget>(WIDGET, widget(namespace, 'a', { size: 1 }));
    expect(created).toMatchObject({ kind: 'Widget', spec: { size: 1 }, metadata: { generation: 1 } });
    expect(created.metadata).not.toHaveProperty('managedFields');

    const replaced = await client.replace<Widget>(WIDGET, { ...created, spec: { size: 2 } });
    expect(replaced.spec).toEqual({ size: 2 });
    const stale = client.replace<Widget>(WIDGET, { ...created, spec: { size: 3 } });
    await expect(stale.catch(isConflict)).resolves.toBe(true);

    const patched = await client.patch<Widget>(WIDGET, ref, { spec: { size: null, note: 'x' } });
    expect(patched.spec).toEqual({ note: 'x' });

    const wrongUid = client.delete(WIDGET, ref, { preconditions: { uid: 'another' } });
    await expect(wrongUid.catch(isConflict)).resolves.toBe(true);
    expect(await client.delete(WIDGET, ref)).toBe(true);
    expect(await client.delete(WIDGET, ref)).toBe(false);
  });

  test('lists in pages, and fills in what items of a list lack', async () => {
    const namespace = await control.createNamespace();
    for (const name of ['a', 'b', 'c']) {
      await client.create(CONFIG_MAP, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace, name, labels: { odd: String(name !== 'b') } },
      });
    }
    const first = await client.list(CONFIG_MAP, { namespace, limit: 2 });
    expect(first.items.map(({ kind, metadata }) => [kind, metadata.name])).toEqual([
      ['ConfigMap', 'a'],
      ['ConfigMap', 'b'],
    ]);
    const rest = await client.list(CONFIG_MAP, { namespace, limit: 2, continue: first.continue ?? '' });
    expect(rest.items.map(({ metadata }) => metadata.name)).toEqual(['c']);
    expect(rest.continue).toBeUndefined();
    const odd = await client.list(CONFIG_MAP, { namespace, labelSelector: 'odd=true' });
    expect(odd.items.map(({ metadata }) => metadata.name)).toEqual(['a', 'c']);
    const named = await client.list(CONFIG_MAP, { namespace, fieldSelector: 'metadata.name=b' });
    expect(named.items.map(({ metadata }) => metadata.name)).toEqual(['b']);
  });

  test('applies a status without touching the spec, and takes away what it applied no more', async () => {
    const namespace = await control.createNamespace();
    const created = await client.create<Widget>(WIDGET, widget(namespace, 'a', { size: 1 }));
    const options = { fieldManager: 'test', force: true };
    const condition = (type: string): object => ({ type, status: 'True', reason: 'R', message: '' });
    const conditions = [condition('Ready'), condition('Synced')];
    const applied = await client.applyStatus<Widget>(
      WIDGET,
      { ...created, spec: { size: 9 }, status: { size: 1, conditions } } as Widget,
      options,
    );
    expect(applied).toMatchObject({ spec: { size: 1 }, status: { size: 1, conditions } });
    const less = { metadata: created.metadata, status: { conditions: [condition('Ready')] } };
    const second = await client.applyStatus<Widget>(WIDGET, less, options);
    expect(second.status).toEqual({ conditions: [condition('Ready')] });
    expect(second.metadata.generation).toBe(1);
  });

  test('gives no status to an object that was made anew under the same name', async () => {
    const namespace = await control.createNamespace();
    const created = await client.create<Widget>(WIDGET, widget(namespace, 'a'));
    await client.delete(WIDGET, created.metadata);
    const options = { fieldManager: 'test', force: true };
    const late = { metadata: created.metadata, status: { size: 1 } };
    await expect(client.applyStatus(WIDGET, late, options)).rejects.toMatchObject({ status: 404 });
    await client.create<Widget>(WIDGET, widget(namespace, 'a'));
    const { resourceVersion = '' } = created.metadata;
    const writing = client.applyStatus(WIDGET, late, { ...options, resourceVersion });
    await expect(writing).rejects.toMatchObject({ status: 409 });
    const found = await client.get<Widget>(WIDGET, created.metadata);
    expect(found?.status).toBeUndefined();
  });

  test('apply creates, changes, and creates nothing when a uid is given', async () => {
    const namespace = await control.createNamespace();
    const options = { fieldManager: 'test' };
    const made = await client.apply<Widget>(
      WIDGET,
      { metadata: { namespace, name: 'a' }, spec: { size: 1 } },
      options,
    );
    expect(made.spec).toEqual({ size: 1 });
    const other = client.apply(
      WIDGET,
      { metadata: { namespace, name: 'a' }, spec: { size: 2 } },
      { fieldManager: 'other' },
    );
    await expect(other).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('.spec.size'),
    });
    await client.delete(WIDGET, made.metadata);
    const { uid } = made.metadata;
    const again = client.apply(
      WIDGET,
      { metadata: { namespace, name: 'a', ...(uid ? { uid } : {}) }, spec: { size: 1 } },
      options,
    );
    await expect(again).rejects.toBeInstanceOf(KubernetesApiError);
    expect(await client.get(WIDGET, made.metadata)).toBeUndefined();
  });

  test('a refusal says who may not do what, and where to mend it, without a token', async () => {
    const namespace = await control.createNamespace();
    const access = await control.serviceAccount(namespace, 'nobody');
    const powerless = clientOf(access);
    const error: unknown = await powerless.list(WIDGET).catch((caught: unknown) => caught);
    await powerless.close();
    expect(isForbidden(error)).toBe(true);
    const message = error instanceof Error ? error.message : '';
    expect(message).toBe(
      `could not list widgets: widgets.test.headwater.dev is forbidden: User "system:serviceaccount:${namespace}:nobody" cannot list resource "widgets" in API group "test.headwater.dev" at the cluster scope (403 Forbidden); grant this in a Role or ClusterRole bound to that user`,
    );
    expect(JSON.stringify(error)).not.toContain(access.token);
  });

  test('an invalid object is refused with the field that is wrong', async () => {
    const namespace = await control.createNamespace();
    const refused = client.create<Widget>(WIDGET, widget(namespace, 'a', { size: -1 }));
    await expect(refused).rejects.toMatchObject({
      status: 422,
      reason: 'Invalid',
      message: expect.stringContaining('spec.size'),
      details: { causes: [expect.objectContaining({ field: 'spec.size' })] },
    });
  });

  test('keeps its connections: 200 requests need no more than are under way at once', async () => {
    const metrics = new RuntimeMetrics(new Registry());
    const own = clientOf(control.admin, { maxConnections: 4, metrics });
    const namespace = await control.createNamespace();
    await Promise.all(Array.from({ length: 200 }, () => own.get(CONFIG_MAP, { namespace, name: 'none' })));
    const requests = await metrics.requests.get();
    expect(requests.values).toEqual([
      expect.objectContaining({ labels: { method: 'GET', code: '404' }, value: 200 }),
    ]);
    await own.close();
    await expect(own.version()).rejects.toBeInstanceOf(KubernetesConnectionError);
  });

  test('says that the server can not be reached, and works again when it is back', async () => {
    await control.kill();
    await expect(client.version()).rejects.toThrow(
      new RegExp(`^no answer from the API server at ${control.url} to GET /version: .*ECONNREFUSED`),
    );
    await control.restart();
    expect((await client.version()).major).toBe('1');
  });
});

describe('the client against answers that a healthy server rarely gives', () => {
  let server: Server;
  let client: KubernetesClient;
  let answers: ((request: IncomingMessage, response: ServerResponse) => void)[];
  beforeAll(async () => {
    server = createServer((request, response) => answers.shift()?.(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  beforeEach(() => {
    const { port } = server.address() as AddressInfo;
    const access = tokenAccess({ server: `http://127.0.0.1:${port}`, ca: '', token: 'secret-token' });
    client = new KubernetesClient({ access, requestTimeoutMs: 500 });
  });
  afterEach(() => client.close());
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const send =
    (status: number, body: string, headers: Record<string, string> = {}) =>
    (_request: IncomingMessage, response: ServerResponse): void => {
      response.writeHead(status, headers).end(body);
    };
  const VERSION = send(200, '{"major":"1","minor":"34","gitVersion":"v"}');

  test('obeys Retry-After', async () => {
    answers = [send(429, 'too many', { 'retry-after': '0' }), send(503, '', { 'retry-after': '0' }), VERSION];
    expect((await client.version()).major).toBe('1');
  });

  test('does not wait for ever for a server that is overloaded', async () => {
    answers = Array.from({ length: 9 }, () => send(429, 'too many requests', { 'retry-after': '0' }));
    await expect(client.version()).rejects.toThrow(
      'could not get the version: too many requests (429 Http429)',
    );
    expect(answers).toHaveLength(4);
  });

  test('asks for credentials anew after a 401, once', async () => {
    answers = [send(401, 'Unauthorized'), VERSION];
    expect((await client.version()).major).toBe('1');
    answers = [send(401, 'Unauthorized'), send(401, 'Unauthorized'), VERSION];
    await expect(client.version()).rejects.toMatchObject({ status: 401 });
  });

  test('reads once more when a kept connection was closed at that moment, but writes not', async () => {
    const cut = (request: IncomingMessage): void => void request.socket.destroy();
    answers = [cut, VERSION];
    expect((await client.version()).major).toBe('1');
    answers = [cut, VERSION];
    await expect(
      client.create(CONFIG_MAP, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'a', name: 'b' },
      }),
    ).rejects.toBeInstanceOf(KubernetesConnectionError);
    expect(answers).toHaveLength(1);
  });

  test('gives up on a server that says nothing, and never tells the token', async () => {
    answers = [() => undefined];
    const error: unknown = await client.version().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(KubernetesConnectionError);
    expect(String(error)).not.toContain('secret-token');
    server.closeAllConnections();
  });

  test('an abort rejects with the reason of its signal', async () => {
    const abort = new AbortController();
    answers = [() => abort.abort(new Error('enough'))];
    await expect(client.version(abort.signal)).rejects.toThrow('enough');
    server.closeAllConnections();
  });
});
