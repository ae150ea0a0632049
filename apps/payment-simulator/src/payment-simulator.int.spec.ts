import { Server } from 'node:http';
import { AddressInfo } from 'node:net';
import { createPool, migrateDatabase } from '@headwater/sql';
import { createTestDatabase, TestDatabase } from '@headwater/testing';
import { Pool as SqlPool } from 'pg';
import { Pool } from 'undici';
import { Faults, NO_FAULTS } from './faults';
import { createPaymentServer } from './http-server';
import { Ledger } from './ledger';
import { PAYMENT_MIGRATIONS } from './migrations';

let database: TestDatabase;
let pool: SqlPool;
let server: Server;
let http: Pool;
let faults: Faults;

beforeAll(async () => {
  database = await createTestDatabase();
  await migrateDatabase(database.url, PAYMENT_MIGRATIONS);
  pool = createPool({ url: database.url, applicationName: 'test', max: 4 });
});

beforeEach(async () => {
  await pool.query('TRUNCATE payments');
  faults = new Faults(NO_FAULTS);
  server = createPaymentServer(new Ledger(pool, faults.declines), faults, { error: () => undefined });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  http = new Pool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { connections: 16 });
});

afterEach(async () => {
  await http.destroy();
  await new Promise((resolve) => server.close(resolve));
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

interface Reply {
  status: number;
  body: Record<string, unknown>;
}

async function call(method: 'GET' | 'PUT' | 'POST', path: string, body?: unknown): Promise<Reply> {
  const { statusCode, body: answer } = await http.request({
    method,
    path,
    ...(body === undefined
      ? {}
      : {
          headers: { 'content-type': 'application/json' },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        }),
  });
  return { status: statusCode, body: (await answer.json()) as Record<string, unknown> };
}

const order = (n: number, amount = '1250', customer = 'c1'): object => ({
  amount,
  currency: 'EUR',
  order_id: `order-${n}`,
  customer_id: customer,
});

test('a debit is taken once, however often and from wherever it is asked for at once', async () => {
  const replies = await Promise.all(
    Array.from({ length: 60 }, (_, n) => call('PUT', `/payments/key-${n % 3}`, order(n % 3))),
  );
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
  expect(new Set(replies.map(({ body }) => body['payment_id'])).size).toBe(3);
  const ledger = await call('GET', '/ledger');
  expect(ledger.body['totals']).toEqual([
    { currency: 'EUR', debits: 3, declines: 0, voids: 0, debited: '3750', voided: '0', held: '3750' },
  ]);
});

test('a key with another amount is refused with 409', async () => {
  await call('PUT', '/payments/k', order(1));
  const other = await call('PUT', '/payments/k', order(1, '9999'));
  expect(other).toMatchObject({
    status: 409,
    body: { detail: 'payment k: the key was used with amount 1250, not 9999' },
  });
});

test('a void gives the money back once, and the key takes no debit any more', async () => {
  const { body } = await call('PUT', '/payments/k', order(1));
  const voided = {
    status: 200,
    body: {
      status: 'voided',
      payment_key: 'k',
      amount: '1250',
      currency: 'EUR',
      payment_id: body['payment_id'],
    },
  };
  expect(await call('POST', '/payments/k/void')).toEqual(voided);
  expect(await call('POST', '/payments/k/void')).toEqual(voided);
  expect((await call('PUT', '/payments/k', order(1))).body['status']).toBe('refused');
  expect((await call('GET', '/ledger')).body['totals']).toEqual([
    { currency: 'EUR', debits: 1, declines: 0, voids: 1, debited: '1250', voided: '1250', held: '0' },
  ]);
});

test('a void before the debit keeps the debit out for ever', async () => {
  expect((await call('POST', '/payments/k/void')).body).toEqual({
    status: 'voided',
    payment_key: 'k',
    amount: '0',
  });
  expect((await call('PUT', '/payments/k', order(1))).body['status']).toBe('refused');
  expect((await call('GET', '/payments/k')).body).toEqual({ payment_key: 'k', status: 'voided' });
});

test('debits and voids of the same keys at once never leave money behind', async () => {
  const keys = Array.from({ length: 40 }, (_, n) => `k-${n}`);
  await Promise.all(
    keys.flatMap((key, n) => [
      call('PUT', `/payments/${key}`, order(n)),
      call('POST', `/payments/${key}/void`),
      call('PUT', `/payments/${key}`, order(n)),
    ]),
  );
  const totals = (await call('GET', '/ledger')).body['totals'] as { held: string }[];
  expect(totals.every(({ held }) => held === '0')).toBe(true);
  const { rows } = await pool.query('SELECT count(*)::int AS n FROM payments WHERE voided_at IS NOT NULL');
  expect(rows).toEqual([{ n: 40 }]);
});

test('declines follow the rules, and stay when the rules change', async () => {
  const declined = await call('PUT', '/payments/k', order(1, '100', 'declined-7'));
  expect(declined.body).toMatchObject({ status: 'declined', code: 'customer_declined' });
  expect((await call('PUT', '/faults', { decline_customers_prefix: '', decline_above: '500' })).status).toBe(
    200,
  );
  expect((await call('PUT', '/payments/k', order(1, '100', 'declined-7'))).body).toEqual(declined.body);
  expect((await call('PUT', '/payments/l', order(2, '501'))).body['code']).toBe('amount_declined');
  expect((await call('PUT', '/payments/m', order(3, '500'))).body['status']).toBe('debited');
});

test('a timeout happens after the debit, which a repetition finds', async () => {
  await call('PUT', '/faults', { timeout_rate: 1 });
  const hanging = http.request({
    method: 'PUT',
    path: '/payments/k',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order(1)),
    headersTimeout: 1_000,
  });
  await expect(hanging).rejects.toThrow(/timeout/i);
  await call('PUT', '/faults', { timeout_rate: 0 });
  expect((await call('GET', '/payments/k')).body['status']).toBe('debited');
  expect((await call('PUT', '/payments/k', order(1))).body['status']).toBe('debited');
});

test('errors come at their rate, the same ones for the same seed, and do nothing', async () => {
  const run = async (): Promise<number[]> => {
    await call('PUT', '/faults', { error_rate: 0.5, seed: 42 });
    const statuses: number[] = [];
    for (let n = 0; n < 20; n++) statuses.push((await call('PUT', `/payments/s-${n}`, order(n))).status);
    return statuses;
  };
  const first = await run();
  expect(first).toEqual(await run());
  expect(new Set(first)).toEqual(new Set([200, 503]));
  const { rows } = await pool.query('SELECT count(*)::int AS n FROM payments');
  expect(rows).toEqual([{ n: first.filter((status) => status === 200).length }]);
});

test('the ledger has pages', async () => {
  await Promise.all(Array.from({ length: 5 }, (_, n) => call('PUT', `/payments/k-${n}`, order(n))));
  const first = await call('GET', '/ledger?limit=3');
  expect(first.body['next']).toBe('k-2');
  const second = await call('GET', '/ledger?limit=3&after=k-2');
  expect(
    (second.body['payments'] as { payment_key: string }[]).map((payment) => payment.payment_key),
  ).toEqual(['k-3', 'k-4']);
  expect(second.body['next']).toBeUndefined();
});

test.each([
  ['PUT', '/payments/k', { ...order(1), extra: 1 }, 422, ''],
  ['PUT', '/payments/k', order(1, '12.50'), 422, '/amount'],
  ['PUT', '/payments/k', { ...order(1), amount: 5 }, 422, '/amount'],
  ['PUT', '/payments/k', { ...order(1), currency: 'euro' }, 422, '/currency'],
  ['PUT', '/payments/k', '{', 400, undefined],
  ['PUT', '/payments/k', 'x'.repeat(20_000), 413, undefined],
  ['PUT', '/payments/%00', order(1), 422, undefined],
  ['PUT', '/payments/%E0%A4', order(1), 422, undefined],
  ['PUT', '/faults', { error_rate: 2 }, 422, '/error_rate'],
  ['GET', '/payments/unknown', undefined, 404, undefined],
  ['GET', '/ledger?limit=0', undefined, 422, '/limit'],
  ['POST', '/payments/k', undefined, 404, undefined],
] as const)('bad input is named: %s %s %j', async (method, path, body, status, pointer) => {
  const reply = await call(method, path, body);
  expect(reply.status).toBe(status);
  expect(reply.body['type']).toMatch(/^https:\/\/headwater.dev\/problems\//);
  if (pointer !== undefined) expect(reply.body['errors']).toEqual([expect.objectContaining({ pointer })]);
});

test('a database that is away is a 503 that says so', async () => {
  const broken = createPool({ url: 'postgres://nobody@127.0.0.1:1/none', applicationName: 'test' });
  const away = createPaymentServer(new Ledger(broken, faults.declines), faults, { error: () => undefined });
  await new Promise<void>((resolve) => away.listen(0, '127.0.0.1', resolve));
  const client = new Pool(`http://127.0.0.1:${(away.address() as AddressInfo).port}`);
  const { statusCode, headers, body } = await client.request({
    method: 'PUT',
    path: '/payments/k',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order(1)),
  });
  expect(statusCode).toBe(503);
  expect(headers['retry-after']).toBe('1');
  expect(await body.json()).toMatchObject({ detail: 'the ledger is away' });
  await client.destroy();
  await new Promise((resolve) => away.close(resolve));
  await broken.end();
});
