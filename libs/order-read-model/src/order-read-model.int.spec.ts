import type { Pool } from 'pg';
import { createPool, migrate } from '@headwater/sql';
import { createTestDatabase, TestDatabase } from '@headwater/testing';
import {
  findOrder,
  findPark,
  listOrders,
  loadOrders,
  ORDER_READ_MODEL_MIGRATIONS,
  OrderRow,
  requestPark,
  saveOrders,
} from './index';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, applicationName: 'test' });
  await migrate(pool, ORDER_READ_MODEL_MIGRATIONS);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

const row = (n: number, changes: Partial<OrderRow> = {}): OrderRow => ({
  orderId: `o${n}`,
  customerId: `c${n % 3}`,
  restaurantId: 'r',
  status: n % 2 === 0 ? 'Approved' : 'Pending',
  currency: 'EUR',
  amount: 1250n,
  debited: 0n,
  voided: 0n,
  voidConfirmed: false,
  resolution: null,
  paymentKey: `k${n}`,
  reason: null,
  voidAttempts: 0,
  items: '[]',
  createdOn: 'then',
  version: 1,
  position: n,
  createdPosition: n,
  updatedOn: 'now',
  ...changes,
});

test('rows come back as they were saved, and a second save replaces them', async () => {
  const changed = row(1, {
    status: 'Cancelled',
    reason: 'because',
    debited: 1250n,
    voided: 1250n,
    voidConfirmed: true,
  });
  await saveOrders(pool, [row(1), row(2)]);
  await saveOrders(pool, [changed]);
  expect(await findOrder(pool, 'o1')).toEqual(changed);
  expect(await loadOrders(pool, ['o2', 'o9'])).toEqual([row(2)]);
  expect(await findOrder(pool, 'o9')).toBeUndefined();
});

test('pages go from the newest to the oldest without loss or repetition, under every filter', async () => {
  await pool.query('DELETE FROM orders');
  const all = Array.from({ length: 25 }, (_, index) => row(index + 1));
  await saveOrders(pool, all);
  for (const customerId of [undefined, 'c1']) {
    for (const status of [undefined, 'Approved']) {
      const seen: number[] = [];
      for (let before: number | undefined; ;) {
        const page = await listOrders(pool, { customerId, status, before, limit: 4 });
        seen.push(...page.map(({ createdPosition }) => createdPosition));
        if (page.length < 4) break;
        before = page.at(-1)?.createdPosition;
      }
      const expected = all
        .filter(
          (order) =>
            (customerId ?? order.customerId) === order.customerId &&
            (status ?? order.status) === order.status,
        )
        .map(({ createdPosition }) => createdPosition)
        .reverse();
      expect(seen).toEqual(expected);
    }
  }
});

test.each([
  ['one order', 'SELECT * FROM orders WHERE order_id = $1', ['o1']],
  [
    'a customer’s',
    'SELECT * FROM orders WHERE customer_id = $1 ORDER BY created_position DESC LIMIT 10',
    ['c1'],
  ],
  [
    'those of a status',
    'SELECT * FROM orders WHERE status = $1 ORDER BY created_position DESC LIMIT 10',
    ['Pending'],
  ],
  [
    'the newest',
    'SELECT * FROM orders WHERE created_position < $1 ORDER BY created_position DESC LIMIT 10',
    [9],
  ],
])('%s is found by an index', async (_name, query, values) => {
  const client = await pool.connect();
  try {
    // A table of a test is too small for the planner to bother otherwise.
    await client.query('SET enable_seqscan = off');
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${query}`, values);
    const plan = rows.map((line) => line['QUERY PLAN']).join('\n');
    expect(plan).toContain('Index');
    expect(plan).not.toContain('Sort');
  } finally {
    client.release();
  }
});

test('a park request is kept once', async () => {
  await requestPark(pool, { position: 7, reason: 'bad data', by: 'ada' });
  await requestPark(pool, { position: 7, reason: 'again', by: 'bob' });
  expect(await findPark(pool, 7)).toEqual({ position: 7, reason: 'bad data', by: 'ada' });
  expect(await findPark(pool, 8)).toBeUndefined();
});
