import { jetstream, jetstreamManager, JetStreamManager } from '@nats-io/jetstream';
import { connect, NatsConnection } from '@nats-io/transport-node';
import { join } from 'node:path';
import { eventually, startTestNats, TestNats } from '@headwater/testing';
import { Applied, apply } from './apply';
import { keepApplied } from './keep-applied';
import { API_VERSION } from './kinds';
import { Manifest, manifestSchema } from './manifest';
import { readManifests } from './read-manifests';

let server: TestNats;
let connection: NatsConnection;
let manager: JetStreamManager;
beforeAll(async () => {
  server = await startTestNats();
  connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  manager = await jetstreamManager(connection);
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

const stream = (spec: object): Manifest =>
  manifestSchema.parse({ apiVersion: API_VERSION, kind: 'Stream', metadata: { name: 'x' }, spec });
const consumer = (spec: object): Manifest =>
  manifestSchema.parse({ apiVersion: API_VERSION, kind: 'Consumer', metadata: { name: 'x' }, spec });
const one = async (manifest: Manifest): Promise<Applied> => (await apply(connection, [manifest]))[0]!;

let names = 0;
const newName = (): string => `S${++names}`;

test('drift is taken back, and only by the field that drifted', async () => {
  const name = newName();
  const manifest = stream({ name, maxMsgs: 10 });
  await one(manifest);
  await manager.streams.update(name, { max_msgs: 99, allow_direct: true });
  expect(await one(manifest)).toEqual({
    kind: 'Stream',
    name,
    code: 'Updated',
    outcome: 'updated',
    fields: ['spec.maxMsgs', 'spec.allowDirect'],
    changes: [
      { field: 'spec.maxMsgs', held: '99', declared: '10' },
      { field: 'spec.allowDirect', held: 'true', declared: 'unset' },
    ],
  });
  const { config } = await manager.streams.info(name);
  expect(config).toMatchObject({ max_msgs: 10, allow_direct: false });
});

test('a server that refuses says why, and the other objects are still applied', async () => {
  const first = newName();
  const second = newName();
  await one(stream({ name: first, subjects: [`${first}.>`] }));
  const results = await apply(connection, [
    consumer({ streamName: second, durableName: 'c' }),
    stream({ name: newName(), subjects: [`${first}.x`] }),
    stream({ name: second }),
    consumer({ streamName: 'NOWHERE', durableName: 'c' }),
  ]);
  expect(results.map(({ outcome }) => outcome)).toEqual(['refused', 'created', 'created', 'waiting']);
  expect(results[0]!.reason).toMatch(/overlap.*10065/);
  expect(results[3]!.reason).toContain('NOWHERE');
});

test("another owner's stream stays as it is", async () => {
  const manifest = stream({ name: newName() });
  await apply(connection, [manifest], { owner: 'somebody' });
  expect(await one(manifest)).toMatchObject({
    outcome: 'refused',
    reason: expect.stringContaining('belongs to somebody'),
  });
});

test('the user for declarations may apply the platform, a worker may not publish an event', async () => {
  const secured = await startTestNats({ passwords: { declarations: 'd', payment: 'p' } });
  const as = (user: string, pass: string): Promise<NatsConnection> =>
    connect({ servers: secured.url, user, pass, inboxPrefix: `_INBOX_${user}` });
  const declarations = await as('declarations', 'd');
  const worker = await as('payment', 'p');
  try {
    const manifests = await readManifests([join(__dirname, '../../../k8s/jetstream')]);
    const results = await apply(declarations, manifests);
    expect(results.map(({ outcome }) => outcome)).toEqual(manifests.map(() => 'created'));
    await expect(worker.request('ORDERS.created.01', '{}', { timeout: 2000 })).rejects.toThrow(
      /permissions/i,
    );
    const { state } = await (await jetstreamManager(declarations)).streams.info('ORDERS');
    expect(state.messages).toBe(0);
  } finally {
    await declarations.close();
    await worker.close();
    await secured.stop();
  }
});

describe('keepApplied', () => {
  const name = 'KEPT';
  const manifests = [stream({ name, description: 'kept' }), consumer({ streamName: name, durableName: 'c' })];
  let stop: AbortController;
  let kept: Promise<void>;
  const changes: string[] = [];
  beforeAll(() => {
    stop = new AbortController();
    kept = keepApplied(connection, manifests, {
      signal: stop.signal,
      intervalMs: 3_600_000,
      onChange: (applied) =>
        changes.push(
          ...applied.filter(({ outcome }) => outcome !== 'unchanged').map((a) => `${a.name} ${a.outcome}`),
        ),
    });
  });
  afterAll(async () => {
    stop.abort();
    await kept;
  });

  test('applies at once, and takes back what is deleted or edited, without waiting for its interval', async () => {
    await eventually(() => expect(changes).toEqual(['KEPT created', 'KEPT/c created']));
    await manager.consumers.update(name, 'c', { max_ack_pending: 7 });
    await eventually(() => expect(changes).toContain('KEPT/c updated'));
    await manager.streams.delete(name);
    await eventually(async () =>
      expect((await manager.consumers.info(name, 'c')).config.max_ack_pending).toBe(1000),
    );
    await manager.streams.update(name, { description: 'edited' });
    await eventually(async () => expect((await manager.streams.info(name)).config.description).toBe('kept'));
  });

  test('lets a consumer that was deleted go on behind what it had acknowledged', async () => {
    const { consumers } = jetstream(connection);
    for (let n = 1; n <= 5; n++) await connection.request(name, String(n));
    const next = async (): Promise<number> => {
      const message = await (await consumers.get(name, 'c')).next({ expires: 5000 });
      await message?.ackAck();
      return message?.seq ?? 0;
    };
    for (let n = 1; n <= 3; n++) expect(await next()).toBe(n);
    const seen = changes.length;
    // Any change makes a pass, which remembers how far the consumer has come.
    await manager.streams.update(name, { description: 'edited again' });
    await eventually(() => expect(changes.slice(seen)).toContain('KEPT updated'));
    await manager.consumers.delete(name, 'c');
    await eventually(() => expect(changes.slice(seen)).toContain('KEPT/c created'));
    expect(await next()).toBe(4);
  });

  test('applies again after a server came back empty', async () => {
    await server.kill();
    await server.wipe();
    await server.restart();
    await eventually(async () => expect((await manager.consumers.info(name, 'c')).name).toBe('c'));
  });
});

test('the first edit of a consumer after the server was restarted is told as the edit that it is', async () => {
  const name = 'RESTARTED';
  const before = [stream({ name }), consumer({ streamName: name, durableName: 'edited', ackWait: '30s' })];
  const after = [stream({ name }), consumer({ streamName: name, durableName: 'edited', ackWait: '5s' })];
  await apply(connection, before);
  await server.kill();
  await server.restart();
  await eventually(() => apply(connection, before, { timeoutMs: 500 }));
  const applied = await apply(connection, after);
  expect(applied.map(({ outcome }) => outcome)).toEqual(['unchanged', 'updated']);
  expect((await manager.consumers.info(name, 'edited')).config.ack_wait).toBe(5e9);
});
