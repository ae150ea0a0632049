import { jetstreamManager, JetStreamManager } from '@nats-io/jetstream';
import { connect, NatsConnection } from '@nats-io/transport-node';
import * as fc from 'fast-check';
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
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const limit = optional(fc.constantFrom(-1, 0, 1, 1000, 1_000_000));

/** Valid specs of streams; the name and its subjects are filled in. */
const streamSpecs = fc
  .record({
    description: optional(fc.constantFrom('', 'a description', 'Ünïcödé')),
    tails: optional(fc.uniqueArray(fc.constantFrom('a', 'b.*', 'c.>', 'd.e'), { minLength: 1 })),
    retention: optional(fc.constantFrom('limits', 'interest', 'workqueue')),
    maxConsumers: limit,
    maxMsgs: limit,
    maxMsgsPerSubject: limit,
    maxBytes: limit,
    maxAge: optional(fc.constantFrom('0', '1s', '1h30m', '24h', '8760h', '1500ms')),
    maxMsgSize: limit,
    storage: optional(fc.constantFrom('file', 'memory')),
    discard: optional(fc.constantFrom('old', 'new')),
    discardPerSubject: optional(fc.boolean()),
    noAck: optional(fc.boolean()),
    duplicateWindow: optional(fc.constantFrom('0s', '1s', '2s', '30m')),
    compression: optional(fc.constantFrom('none', 's2')),
    firstSequence: optional(fc.constantFrom(0, 1, 2, 1000)),
    allowDirect: optional(fc.boolean()),
    allowRollup: optional(fc.boolean()),
    denyDelete: optional(fc.boolean()),
    denyPurge: optional(fc.boolean()),
    metadata: optional(fc.dictionary(fc.constantFrom('team', 'a.b/c'), fc.constantFrom('', 'x'))),
  })
  .map(({ tails, ...spec }) => (name: string): object => ({
    ...spec,
    name,
    subjects: tails?.map((tail) => `${name}.${tail}`),
  }))
  .filter((spec) => valid(() => stream(spec('S'))));

const durations = fc.constantFrom('1s', '30s', '1m', '1500ms');
const consumerSpecs = fc
  .record({
    description: optional(fc.constantFrom('', 'a description')),
    ackPolicy: optional(fc.constantFrom('none', 'all', 'explicit')),
    ackWait: optional(durations),
    maxDeliver: optional(fc.constantFrom(-1, 0, 1, 5)),
    backoff: optional(fc.array(durations, { minLength: 1, maxLength: 3 })),
    filterSubject: optional(fc.constantFrom('C.a', 'C.a.*')),
    filterSubjects: optional(fc.uniqueArray(fc.constantFrom('C.a', 'C.a.*', 'C.b'), { minLength: 1 })),
    start: fc.constantFrom(
      {},
      { deliverPolicy: 'all' },
      { deliverPolicy: 'last' },
      { deliverPolicy: 'new' },
      { deliverPolicy: 'lastPerSubject' },
      { deliverPolicy: 'byStartSequence', optStartSeq: 5 },
      { deliverPolicy: 'byStartTime', optStartTime: '2026-01-02T03:04:05.5+01:00' },
    ),
    replayPolicy: optional(fc.constantFrom('instant', 'original')),
    maxAckPending: optional(fc.constantFrom(-1, 0, 1, 2000)),
    maxWaiting: optional(fc.constantFrom(1, 100, 512)),
    maxRequestBatch: optional(fc.constantFrom(1, 100)),
    maxRequestExpires: optional(durations),
    maxRequestMaxBytes: optional(fc.constantFrom(1, 100_000)),
    inactiveThreshold: optional(fc.constantFrom('0s', '1h')),
    headersOnly: optional(fc.boolean()),
    replicas: optional(fc.constantFrom(0, 1)),
    memStorage: optional(fc.boolean()),
    metadata: optional(fc.dictionary(fc.constantFrom('team', 'a.b/c'), fc.constantFrom('', 'x'))),
  })
  .map(({ start, ...spec }) => (durableName: string): object => ({
    ...spec,
    ...start,
    streamName: 'CONSUMED',
    durableName,
  }))
  .filter((spec) => valid(() => consumer(spec('C'))));

function valid(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}

/** The changing requests of the JetStream API while something is done, as the server announces them, in order. */
async function writesDuring(act: () => Promise<void>): Promise<string[]> {
  const subjects: string[] = [];
  const subscription = connection.subscribe('$JS.EVENT.ADVISORY.API', {
    callback: (_error, message) => void subjects.push(message.json<{ subject: string }>().subject),
  });
  // Announcements come late but in order: this one stands behind those of all requests before it.
  const settled = async (): Promise<void> => {
    await manager.getAccountInfo();
    await eventually(() => expect(subjects.at(-1)).toBe('$JS.API.INFO'), 10_000, 1);
  };
  await settled();
  subjects.length = 0;
  await act();
  await settled();
  subscription.unsubscribe();
  return subjects.filter((subject) => !subject.includes('INFO'));
}

describe('any valid spec', () => {
  beforeAll(() => apply(connection, [stream({ name: 'CONSUMED', subjects: ['C.>'] })]));

  test('of a stream is applied, reads back as no difference, and is not written again', async () => {
    await fc.assert(
      fc.asyncProperty(streamSpecs, async (spec) => {
        const manifest = stream(spec(newName()));
        expect(await one(manifest)).toMatchObject({ outcome: 'created' });
        expect(
          await writesDuring(async () => {
            const again = await one(manifest);
            if (again.outcome !== 'unchanged') throw new Error(JSON.stringify([again, manifest]));
          }),
        ).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('of a stream follows another, or is refused by the name of the field', async () => {
    await fc.assert(
      fc.asyncProperty(streamSpecs, streamSpecs, async (from, to) => {
        const name = newName();
        await one(stream(from(name)));
        const result = await one(stream(to(name)));
        if (result.outcome === 'refused') {
          expect(result.fields.length).toBeGreaterThan(0);
          expect(await one(stream(from(name)))).toMatchObject({ outcome: 'unchanged' });
        } else {
          expect(await one(stream(to(name)))).toMatchObject({ outcome: 'unchanged' });
        }
      }),
      { numRuns: 60 },
    );
  });

  test('of a consumer is applied, reads back as no difference, and is not written again', async () => {
    await fc.assert(
      fc.asyncProperty(consumerSpecs, async (spec) => {
        const manifest = consumer(spec(newName()));
        expect(await one(manifest)).toMatchObject({ outcome: 'created' });
        expect(
          await writesDuring(async () => {
            const again = await one(manifest);
            if (again.outcome !== 'unchanged') throw new Error(JSON.stringify([again, manifest]));
          }),
        ).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('of a consumer follows another, or is refused by the name of the field', async () => {
    await fc.assert(
      fc.asyncProperty(consumerSpecs, consumerSpecs, async (from, to) => {
        const name = newName();
        await one(consumer(from(name)));
        const result = await one(consumer(to(name)));
        if (result.outcome === 'refused') {
          expect(result.fields.length).toBeGreaterThan(0);
          expect(await one(consumer(from(name)))).toMatchObject({ outcome: 'unchanged' });
        } else {
          expect(await one(consumer(to(name)))).toMatchObject({ outcome: 'unchanged' });
        }
      }),
      { numRuns: 60 },
    );
  });
});

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
