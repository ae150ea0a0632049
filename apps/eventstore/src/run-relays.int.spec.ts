import { Pool } from 'pg';
import pino from 'pino';
import { Registry } from 'prom-client';
import { declareLogs, EVENTSTORE_MIGRATIONS, EventStore } from '@headwater/eventstore';
import { Readiness } from '@headwater/platform';
import { createPool, migrateDatabase } from '@headwater/sql';
import { createTestDatabase, eventually, startTestNats, TestDatabase, TestNats } from '@headwater/testing';
import { readEventStoreConfig } from './config';
import { runRelays } from './run-relays';

let server: TestNats;
let database: TestDatabase;
let pool: Pool;
let store: EventStore;
beforeAll(async () => {
  const limited = { publish: ['nothing'], subscribe: ['_INBOX_limited.>', '$JS.EVENT.>', 'headwater.>'] };
  [server, database] = await Promise.all([
    startTestNats({ passwords: { eventstore: 'right', limited: 'l' }, extraUsers: { limited } }),
    createTestDatabase(),
  ]);
  await migrateDatabase(database.url, EVENTSTORE_MIGRATIONS);
  pool = createPool({ url: database.url, applicationName: 'test' });
  await declareLogs(pool, ['ORDERS']);
  store = new EventStore(pool, { logs: ['ORDERS'] });
});
afterAll(async () => {
  await server.stop();
  await store.close();
  await pool.end();
  await database.drop();
});

let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

function run(change: Record<string, string>): Readiness {
  const readiness = new Readiness();
  const config = readEventStoreConfig({
    HEADWATER_DATABASE_URL: database.url,
    HEADWATER_LOGS: 'ORDERS',
    HEADWATER_NATS_URL: server.url,
    HEADWATER_NATS_USER: 'eventstore',
    HEADWATER_NATS_PASSWORD: 'right',
    ...change,
  });
  const log = pino({ level: 'silent' });
  stop = runRelays(config, pool, store, { log, metrics: new Registry(), readiness });
  return readiness;
}

const holder = async (): Promise<unknown> => {
  const { rows } = await pool.query<{ holder: string | null }>('SELECT holder FROM relays');
  return rows[0]?.holder;
};

test('with a user that may do what is needed it is ready, and holds the lease', async () => {
  const readiness = run({});
  await eventually(async () => expect(await holder()).toEqual(expect.any(String)));
  expect(readiness.report()).toEqual({ relays: null });
  await stop?.();
  expect(await holder()).toBeNull();
});

test('NATS that is away is no reason not to be ready', async () => {
  await server.kill();
  const readiness = run({});
  // Long enough for attempts to have failed: the relays come with the server.
  await server.restart();
  await eventually(async () => expect(await holder()).toEqual(expect.any(String)));
  await server.kill();
  expect(readiness.report()).toEqual({ relays: null });
  await stop?.();
  await server.restart();
});

test('a password that the server refuses is a reason, and is named', async () => {
  const readiness = run({ HEADWATER_NATS_PASSWORD: 'wrong' });
  await eventually(() => expect(readiness.report()['relays']).toMatch(/refuses this user.*Authorization/i));
  expect(readiness.ready).toBe(false);
});

test('a file that can not be read is a reason, and is named', async () => {
  const readiness = run({ HEADWATER_NATS_CA_FILE: '/nowhere/ca.pem' });
  await eventually(() => expect(readiness.report()['relays']).toMatch(/could not be started.*nowhere/));
});

test('a permission that the user lacks is a reason, and is named', async () => {
  const readiness = run({ HEADWATER_NATS_USER: 'limited', HEADWATER_NATS_PASSWORD: 'l' });
  await eventually(() => expect(readiness.report()['relays']).toMatch(/lacks a permission/));
});
