import { dirname, join } from 'node:path';
import { Client, ClientDuplexStream, credentials, loadPackageDefinition, ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { service as healthService } from 'grpc-health-check';
import { Pool } from 'pg';
import { EVENTSTORE_MIGRATIONS, EventStore, GROUP_COMMIT_LIMITS } from '@headwater/eventstore';
import { SERVICE_NAMES } from '@headwater/eventstore-api';
import { EventStoreClient, Overloaded } from '@headwater/eventstore-client';
import { createPool, migrateDatabase } from '@headwater/sql';
import { eventually, startTestPostgres, TestPostgres } from '@headwater/testing';
import { watchDatabase } from '../watch-database';
import { createEventStoreServer, EventStoreServer } from './server';

/** The server on a PostgreSQL of its own, which is killed and started again beneath it. */
let postgres: TestPostgres;
let pool: Pool;
let store: EventStore;
let server: EventStoreServer;
let endWatch: () => Promise<void>;
let raw: Client;
beforeAll(async () => {
  postgres = await startTestPostgres();
  await migrateDatabase(postgres.url, EVENTSTORE_MIGRATIONS);
  pool = createPool({ url: postgres.url, applicationName: 'test' });
  store = new EventStore(pool, { logs: ['T'] });
  server = await serve(store);
  const watcher = { up: () => server.setServing(true), down: () => server.setServing(false) };
  endWatch = watchDatabase(pool, ['T'], watcher, 50);
  raw = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
});
afterAll(async () => {
  raw.close();
  await endWatch();
  await server.close();
  await store.close();
  await pool.end();
  await postgres.stop();
});

const serve = (of: EventStore): Promise<EventStoreServer> =>
  createEventStoreServer(of, { host: '127.0.0.1', port: 0, onError: () => undefined });

function health(service: string): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = healthService['Check']!;
  return new Promise((resolve, reject) => {
    raw.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { service },
      (error: ServiceError | null, answer?: { status?: string | number }) =>
        error ? reject(error) : resolve(String(answer?.status)),
    );
  });
}
const SERVICES = ['', SERVICE_NAMES.v1, SERVICE_NAMES.sample];
const healthOfAll = (): Promise<string[]> => Promise.all(SERVICES.map(health));
const all = (status: string): string[] => SERVICES.map(() => status);

const aggregate = (id: string) => ({
  aggregateId: `a-${id}`,
  aggregateType: 'thing',
  expected: 'any' as const,
  events: [{ eventId: id, eventType: 'T.happened', data: '{}' }],
});

test('health says of each service whether the database is there, and knows no others', async () => {
  await eventually(async () => expect(await healthOfAll()).toEqual(all('SERVING')));
  await expect(health('nobody')).rejects.toThrow(/NOT_FOUND/);
  await postgres.kill();
  await eventually(async () => expect(await healthOfAll()).toEqual(all('NOT_SERVING')));
  await postgres.restart();
  await eventually(async () => expect(await healthOfAll()).toEqual(all('SERVING')));
});

test('reflection lists the services and tells what a symbol is', async () => {
  const folder = dirname(require.resolve('@grpc/reflection/package.json'));
  const proto = join(folder, 'build/proto/grpc/reflection/v1/reflection.proto');
  const { ServerReflection } = (
    loadPackageDefinition(loadSync(proto)) as unknown as {
      grpc: { reflection: { v1: { ServerReflection: typeof Client } } };
    }
  ).grpc.reflection.v1;
  const client = new ServerReflection(`127.0.0.1:${server.port}`, credentials.createInsecure());
  const { ServerReflectionInfo } = client as unknown as {
    ServerReflectionInfo: () => ClientDuplexStream<object, object>;
  };
  const call = ServerReflectionInfo.call(client);
  const answers = (call as AsyncIterable<object>)[Symbol.asyncIterator]();
  call.write({ listServices: '' });
  const listed = JSON.stringify((await answers.next()).value);
  for (const name of [SERVICE_NAMES.v1, SERVICE_NAMES.sample]) expect(listed).toContain(`"name":"${name}"`);
  call.write({ fileContainingSymbol: SERVICE_NAMES.v1 });
  expect((await answers.next()).value).toMatchObject({
    fileDescriptorResponse: { fileDescriptorProto: expect.arrayContaining([expect.any(Buffer)]) },
  });
  call.end();
  client.close();
});

test('appends under way while PostgreSQL is killed and started again all end; none is lost or doubled', async () => {
  await eventually(async () => expect(await healthOfAll()).toEqual(all('SERVING')));
  const client = new EventStoreClient({ address: `127.0.0.1:${server.port}`, appendDeadlineMs: 30_000 });
  const answers = new Map<string, number>();
  let next = 0;
  let ended = false;
  const caller = async (): Promise<void> => {
    while (!ended) {
      const id = `k-${next++}`;
      const { events } = await client.append('T', [aggregate(id)]);
      answers.set(id, events[0]?.position ?? 0);
    }
  };
  const callers = Array.from({ length: 32 }, caller);
  try {
    for (let round = 0; round < 3; round++) {
      const before = answers.size;
      await eventually(() => expect(answers.size).toBeGreaterThan(before + 100));
      await postgres.kill();
      await postgres.restart();
    }
    const before = answers.size;
    await eventually(() => expect(answers.size).toBeGreaterThan(before + 100));
  } finally {
    ended = true;
  }
  // Every append that a caller handed in has been answered with a position, none with an error.
  await Promise.all(callers);
  expect(answers.size).toBe(next);
  const { rows } = await pool.query<{ position: number; event_id: string }>(
    'SELECT position, event_id FROM events ORDER BY position',
  );
  expect(rows.map(({ position }) => position)).toEqual(rows.map((_, index) => index + 1));
  expect(rows).toHaveLength(answers.size);
  for (const { position, event_id } of rows) expect(answers.get(event_id)).toBe(position);
  await client.close();
});

test('past its bounds AppendStream answers RESOURCE_EXHAUSTED with a delay, and takes what waits', async () => {
  await eventually(async () => expect(await healthOfAll()).toEqual(all('SERVING')));
  const small = new EventStore(pool, { logs: ['T'], limits: { ...GROUP_COMMIT_LIMITS, queuedAppends: 3 } });
  const own = await serve(small);
  const client = new EventStoreClient({ address: `127.0.0.1:${own.port}` });
  await client.ready();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) => client.append('T', [aggregate(`o-${n}`)])),
  );
  const refused = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
  );
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThan(20);
  for (const reason of refused) {
    expect(reason).toBeInstanceOf(Overloaded);
    expect(reason).toMatchObject({ retryAfterMs: 100 });
  }
  const { rows } = await pool.query("SELECT count(*)::int AS stored FROM events WHERE event_id LIKE 'o-%'");
  expect(rows).toEqual([{ stored: 20 - refused.length }]);
  await client.close();
  await own.close();
  await small.close();
});
