import {
  Client,
  ClientReadableStream,
  credentials,
  MethodDefinition,
  ServiceError,
  status,
} from '@grpc/grpc-js';
import { Pool } from 'pg';
import { AggregateAppend } from '@headwater/contracts';
import { declareLogs, EVENTSTORE_MIGRATIONS, EventStore } from '@headwater/eventstore';
import { AppendRequest, eventStoreV1, faultOfCall, ReadLogResponse } from '@headwater/eventstore-api';
import {
  EventIdClash,
  EventStoreClient,
  EventStoreUnavailable,
  InvalidAppend,
  LogPage,
  LogRefused,
  UnknownLog,
  VersionConflict,
} from '@headwater/eventstore-client';
import { createPool, migrateDatabase } from '@headwater/sql';
import { createTestDatabase, eventually, selfSigned, TestDatabase } from '@headwater/testing';
import { createEventStoreServer, EventStoreServer } from './server';

const LOGS = ['T', 'OTHER', 'SLOW', 'LIVE', 'REFUSED'];
let database: TestDatabase;
let pool: Pool;
let store: EventStore;
let server: EventStoreServer;
let client: EventStoreClient;
let raw: Client;
const unexpected: unknown[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await migrateDatabase(database.url, EVENTSTORE_MIGRATIONS);
  pool = createPool({ url: database.url, applicationName: 'test' });
  await declareLogs(pool, LOGS);
  store = new EventStore(pool, { logs: LOGS });
  server = await createEventStoreServer(store, {
    host: '127.0.0.1',
    port: 0,
    heartbeatMs: 50,
    onError: (_path, error) => unexpected.push(error),
  });
  client = new EventStoreClient({ address: `127.0.0.1:${server.port}` });
  raw = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
});
afterAll(async () => {
  await client.close();
  raw.close();
  await server.close();
  await store.close();
  await pool.end();
  await database.drop();
  expect(unexpected).toEqual([]);
});

let ids = 0;
const nextId = (): string => `g-${++ids}`;
const aggregate = (
  change: Partial<AggregateAppend> & { data?: string; log?: string } = {},
): AggregateAppend => ({
  aggregateId: change.aggregateId ?? nextId(),
  aggregateType: 'thing',
  expected: change.expected ?? 'any',
  events: change.events ?? [
    { eventId: nextId(), eventType: `${change.log ?? 'T'}.happened`, data: change.data ?? '{"n":1}' },
  ],
});

function unary<Request, Response>(
  method: MethodDefinition<Request, Response>,
  request: Request,
): Promise<Response | ServiceError> {
  return new Promise((resolve) => {
    raw.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      (error, response) => {
        resolve(error ?? (response as Response));
      },
    );
  });
}

describe('the client', () => {
  test('appends and reads back', async () => {
    const metadata = { correlationId: 'c', traceparent: '00-x' };
    const events = [
      { eventId: nextId(), eventType: 'T.created', data: '{"a": 1}', metadata },
      { eventId: nextId(), eventType: 'T.changed', data: '' },
    ];
    const result = await client.append('T', [
      aggregate({ aggregateId: 'one', expected: 'no_stream', events }),
    ]);
    expect(result).toMatchObject({ repeated: false, events: [{ version: 1 }, { version: 2 }] });
    const read = await client.readAggregate('T', 'one');
    expect(read).toMatchObject([
      { log: 'T', data: '{"a": 1}', metadata, version: 1, position: result.events[0]?.position },
      { data: '', metadata: {}, version: 2 },
    ]);
    const again = await client.append('T', [
      aggregate({ aggregateId: 'one', expected: 'no_stream', events }),
    ]);
    expect(again).toEqual({ ...result, repeated: true });
  });

  test('gets a class of its own for every refusal', async () => {
    const stored = aggregate({ aggregateId: 'errors' });
    await client.append('T', [stored]);
    const conflict = client.append('T', [aggregate({ aggregateId: 'errors', expected: 5 })]);
    await expect(conflict).rejects.toThrow(VersionConflict);
    await expect(conflict).rejects.toMatchObject({ aggregateId: 'errors', expected: '5', actual: 1 });
    const clashing = { ...stored, events: stored.events.map((event) => ({ ...event, data: '{"n":2}' })) };
    const clash = client.append('T', [clashing]);
    await expect(clash).rejects.toThrow(EventIdClash);
    await expect(clash).rejects.toMatchObject({ eventId: stored.events[0]?.eventId });
    const invalid = client.append('T', [aggregate(), aggregate({ data: '{' })]);
    await expect(invalid).rejects.toThrow(InvalidAppend);
    await expect(invalid).rejects.toMatchObject({ field: 'aggregates[1].events[0].data' });
    await expect(client.append('NOWHERE', [aggregate({ log: 'NOWHERE' })])).rejects.toThrow(UnknownLog);
    await expect(client.getLog('NOWHERE')).rejects.toThrow(UnknownLog);
    await expect(client.readAggregate('NOWHERE', 'x')).rejects.toThrow(UnknownLog);
    await pool.query("UPDATE logs SET refused = 'being repaired' WHERE name = 'REFUSED'");
    await expect(client.append('REFUSED', [aggregate({ log: 'REFUSED' })])).rejects.toThrow(LogRefused);
    expect(await client.getLog('REFUSED')).toMatchObject({ head: 0, refused: 'being repaired' });
  });

  test('sends what is appended together as one message, answered in order', async () => {
    const results = await Promise.all(
      Array.from({ length: 200 }, () => client.append('OTHER', [aggregate({ log: 'OTHER' })])),
    );
    expect(results.map(({ events }) => events[0]?.position)).toEqual(
      Array.from({ length: 200 }, (_, n) => n + 1),
    );
    const state = await client.getLog('OTHER');
    expect(state).toMatchObject({ head: 200, relayed: 0 });
    expect(state.oldestUnrelayedSeconds).toBeGreaterThan(0);
    const read: number[] = [];
    for await (const events of client.readLog('OTHER', { after: 150 }))
      read.push(...events.map(({ position }) => position));
    expect(read).toEqual(Array.from({ length: 50 }, (_, n) => 151 + n));
  });

  test('follows a log: marker, live events, heartbeats, a prompt end', async () => {
    const abort = new AbortController();
    const pages: LogPage[] = [];
    const following = (async () => {
      for await (const page of client.followLog('LIVE', { after: 0, signal: abort.signal })) pages.push(page);
    })();
    await eventually(() => expect(pages[0]).toEqual({ events: [], position: 0, caughtUp: true }));
    await client.append('LIVE', [aggregate({ log: 'LIVE' })]);
    await eventually(() => expect(pages.flatMap(({ events }) => events)).toHaveLength(1));
    const seen = pages.length;
    await eventually(() => expect(pages.length).toBeGreaterThan(seen));
    abort.abort();
    await following;
  });

  test('an append given up by its caller is rejected with the reason', async () => {
    const given = client.append('T', [aggregate()], { signal: AbortSignal.abort(new Error('not needed')) });
    await expect(given).rejects.toThrow('not needed');
  });
});

describe('at the door', () => {
  const request = (change: Partial<AppendRequest>): AppendRequest => ({
    log: 'T',
    aggregates: [
      {
        aggregateId: 'door',
        aggregateType: 'thing',
        expected: undefined,
        events: [{ eventId: nextId(), eventType: 'T.happened', data: '', metadata: '' }],
      },
    ],
    ...change,
  });

  test('a unary append works, and its faults carry details', async () => {
    expect(await unary(eventStoreV1.Append, request({}))).toMatchObject({ repeatedAppend: false });
    const error = await unary(eventStoreV1.Append, request({ aggregates: [] }));
    expect(faultOfCall(error as ServiceError)).toMatchObject({
      code: status.INVALID_ARGUMENT,
      reason: 'INVALID_ARGUMENT',
      field: 'aggregates',
    });
  });

  test('kinds and positions that do not exist are refused', async () => {
    // Kind 9, written by hand: field 3 of the aggregate is the expectation, its field 1 the kind.
    const bytes = eventStoreV1.Append.requestSerialize(request({}));
    const { aggregates } = eventStoreV1.Append.requestDeserialize(bytes);
    const [first] = aggregates;
    const odd = {
      ...first,
      expected: { kind: 9, version: 0 },
    } as unknown as AppendRequest['aggregates'][number];
    const error = await unary(eventStoreV1.Append, request({ aggregates: [odd] }));
    expect(faultOfCall(error as ServiceError)).toMatchObject({ field: 'aggregates[0].expected.kind' });

    const unsafe = client
      .readLog('T', { after: 2 ** 60 })
      [Symbol.asyncIterator]()
      .next();
    await expect(unsafe).rejects.toMatchObject({ field: 'after_position' });
    const beyond = client.readLog('T', { after: 1_000_000 })[Symbol.asyncIterator]().next();
    await expect(beyond).rejects.toThrow(InvalidAppend);
  });

  test('bytes that are no message end the call, not the server', async () => {
    const outcome = await new Promise<ServiceError | null>((resolve) => {
      raw.makeUnaryRequest(
        eventStoreV1.Append.path,
        () => Buffer.from([0x0a, 0xff, 0xff]),
        eventStoreV1.Append.responseDeserialize,
        {},
        (error) => resolve(error),
      );
    });
    expect(outcome?.code).toBe(status.INTERNAL);
    await client.append('T', [aggregate()]);
  });
});

test('a reader that does not read holds the store back', async () => {
  const data = JSON.stringify('x'.repeat(100_000));
  for (let batch = 0; batch < 10; batch++)
    await Promise.all(
      Array.from({ length: 40 }, () => client.append('SLOW', [aggregate({ log: 'SLOW', data })])),
    );
  let pages = 0;
  const counting = Object.create(store) as EventStore;
  counting.readLog = async function* (options) {
    for await (const page of store.readLog(options)) {
      pages++;
      yield page;
    }
  };
  const own = await createEventStoreServer(counting, {
    host: '127.0.0.1',
    port: 0,
    onError: (_path, error) => unexpected.push(error),
  });
  const reader = new Client(`127.0.0.1:${own.port}`, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = eventStoreV1.ReadLog;
  const call: ClientReadableStream<ReadLogResponse> = reader.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    { log: 'SLOW', afterPosition: 0, eventTypes: [], limit: 0, follow: false },
  );
  // The log is 134 pages of 3 events; of them only what the windows and buffers of both sides hold may leave SQL.
  const messages = (call as AsyncIterable<ReadLogResponse>)[Symbol.asyncIterator]();
  let events = 0;
  const read = async (): Promise<boolean> => {
    const next = await messages.next();
    if (!next.done) events += next.value.events.length;
    return !next.done;
  };
  await read();
  let before = -1;
  await eventually(
    () => {
      const settled = pages === before;
      before = pages;
      expect(settled).toBe(true);
    },
    10_000,
    200,
  );
  expect(pages).toBeLessThan(100);
  while (await read());
  expect(events).toBe(400);
  expect(pages).toBeGreaterThan(130);
  reader.close();
  await own.close();
});

test('a server that stops ends its streams, and another one on its port is found', async () => {
  const first = await createEventStoreServer(store, { host: '127.0.0.1', port: 0, onError: () => undefined });
  const states: boolean[] = [];
  const own = new EventStoreClient({ address: `127.0.0.1:${first.port}`, appendDeadlineMs: 20_000 });
  own.onState((up) => states.push(up));
  await own.ready();
  const follow = (async () => {
    const pages = own.followLog('T', { after: 0, signal: new AbortController().signal });
    for await (const page of pages) if (page.position < 0) return;
  })();
  follow.catch(() => undefined);
  await own.append('T', [aggregate()]);
  await first.close();
  await expect(follow).rejects.toThrow(EventStoreUnavailable);
  await eventually(() => expect(states.at(-1)).toBe(false));
  const waiting = own.append('T', [aggregate({ aggregateId: 'waited' })]);
  const second = await createEventStoreServer(store, {
    host: '127.0.0.1',
    port: first.port,
    onError: () => undefined,
  });
  await waiting;
  expect(await client.readAggregate('T', 'waited')).toHaveLength(1);
  await own.close();
  await second.close();
});

test('several servers share the calls, and those that are left take all', async () => {
  const start = async (): Promise<{ asked: jest.SpyInstance; stop(): Promise<void>; port: number }> => {
    const own = new EventStore(pool, { logs: LOGS });
    const asked = jest.spyOn(own, 'getLog');
    const { port, close } = await createEventStoreServer(own, {
      host: '127.0.0.1',
      port: 0,
      onError: () => undefined,
    });
    return { asked, port, stop: () => close().then(() => own.close()) };
  };
  const [first, second] = [await start(), await start()];
  const both = new EventStoreClient({ address: `ipv4:127.0.0.1:${first.port},127.0.0.1:${second.port}` });
  // A call is given to whoever is connected by then.
  await eventually(async () => {
    await both.getLog('T');
    expect(first.asked).toHaveBeenCalled();
    expect(second.asked).toHaveBeenCalled();
  });
  const [before, after] = [first.asked.mock.calls.length, second.asked.mock.calls.length];
  for (let n = 0; n < 60; n++) await both.getLog('T');
  // About half each: a channel's second connection may be a little later than its first.
  expect(first.asked.mock.calls.length - before).toBeGreaterThanOrEqual(20);
  expect(second.asked.mock.calls.length - after).toBeGreaterThanOrEqual(20);

  await first.stop();
  await both.append('T', [aggregate({ aggregateId: 'left' })]);
  expect(await both.readAggregate('T', 'left')).toHaveLength(1);
  await both.close();
  await second.stop();
});

test('with a certificate it speaks TLS, and only to those who trust it', async () => {
  const certificate = await selfSigned('localhost');
  const secure = await createEventStoreServer(store, {
    host: '127.0.0.1',
    port: 0,
    certificate,
    onError: () => undefined,
  });
  const address = `localhost:${secure.port}`;
  const trusting = new EventStoreClient({ address, ca: certificate.cert });
  await trusting.append('T', [aggregate({ aggregateId: 'encrypted' })]);
  expect(await trusting.readAggregate('T', 'encrypted')).toHaveLength(1);
  const { cert: ca } = await selfSigned('localhost');
  for (const options of [{ address }, { address, ca }]) {
    const other = new EventStoreClient({ ...options, appendDeadlineMs: 500 });
    await expect(other.append('T', [aggregate()])).rejects.toThrow(EventStoreUnavailable);
    await other.close();
  }
  await trusting.close();
  await secure.close();
});

test('nobody there: the append is given up at its deadline', async () => {
  const nobody = new EventStoreClient({ address: '127.0.0.1:1', appendDeadlineMs: 200 });
  await expect(nobody.append('T', [aggregate()])).rejects.toThrow(EventStoreUnavailable);
  await expect(nobody.getLog('T')).rejects.toThrow(EventStoreUnavailable);
  await nobody.close();
});
