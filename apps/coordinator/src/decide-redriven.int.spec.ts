import type { Pool } from 'pg';
import { EventStoreUnavailable } from '@headwater/eventstore-client';
import { createPool, migrateDatabase } from '@headwater/sql';
import { createTestDatabase, TestDatabase } from '@headwater/testing';
import { createdEvent, OrderLog } from '@headwater/testing-platform';
import { allDeadlines } from './deadline-rows';
import { classify, decideRedriven } from './decide-redriven';
import { COORDINATOR_MIGRATIONS } from './migrations';

const policy = {
  paymentMs: 60_000,
  reviewMs: 120_000,
  voidMs: 600_000,
  voidMostMs: 600_000,
  voidAttempts: 3,
};

let database: TestDatabase;
let pool: Pool;
let log: OrderLog;

beforeAll(async () => {
  database = await createTestDatabase();
  await migrateDatabase(database.url, COORDINATOR_MIGRATIONS);
  pool = createPool({ url: database.url, applicationName: 'test', max: 2 });
  log = await OrderLog.create();
});

afterAll(async () => {
  await pool.end();
  await database.drop();
  await log.close();
});

const options = (now: number) => ({ policy, defaultCurrency: 'EUR', holder: 'test', now });

test('a redriven deadline that is over is decided at once, and once', async () => {
  const created = await log.given('late', createdEvent('late'));
  const later = Date.now() + policy.paymentMs + 1_000;
  await decideRedriven(log, pool, created, options(later));
  await decideRedriven(log, pool, created, options(later));
  expect(await log.names('late')).toEqual(['created', 'voidrequested']);
});

test('one that is not over is kept until it is', async () => {
  const created = await log.given('early', createdEvent('early'));
  await decideRedriven(log, pool, created, options(Date.now()));
  expect(await log.names('early')).toEqual(['created']);
  expect(await allDeadlines(pool)).toMatchObject([{ orderId: 'early', step: 'payment', version: 1 }]);
});

test('an event store that is away is no failure of the message', () => {
  expect(classify(new EventStoreUnavailable('away'))).toMatchObject({ kind: 'unavailable' });
  expect(classify(new Error('unknown'))).toBeUndefined();
});
