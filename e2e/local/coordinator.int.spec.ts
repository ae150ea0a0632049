import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@headwater/testing';
import {
  checkOrders,
  OrderAnswer,
  OrderClient,
  orderOf,
  readLedger,
  setFaults,
  startTestPlatform,
  TestPlatform,
} from '@headwater/testing-platform';

const run = promisify(execFile);

let started: TestPlatform;
let client: OrderClient;
const placed: string[] = [];
/** Processes that a test has paused. */
const paused = new Map<string, number>();

beforeAll(async () => {
  started = await startTestPlatform({
    env: {
      HEADWATER_DEADLINE_PAYMENT_SECONDS: '5',
      HEADWATER_DEADLINE_REVIEW_SECONDS: '5',
      // Three attempts last longer than a command line needs to start on a busy machine.
      HEADWATER_DEADLINE_VOID_SECONDS: '2',
      HEADWATER_DEADLINE_VOID_MOST_SECONDS: '4',
      HEADWATER_VOID_ATTEMPTS: '3',
    },
  });
  client = new OrderClient(started.platform.urls.api, 8);
}, 120_000);

afterAll(async () => {
  await client.close();
  await started.end();
}, 60_000);

afterEach(() => {
  for (const name of [...paused.keys()]) resume(name);
});

function pause(name: string): void {
  const pid = started.platform.process(name)?.pid;
  if (pid === undefined) throw new Error(`${name} does not run`);
  process.kill(pid, 'SIGSTOP');
  paused.set(name, pid);
}

function resume(name: string): void {
  const pid = paused.get(name);
  if (pid === undefined) return;
  process.kill(pid, 'SIGCONT');
  paused.delete(name);
}

async function place(customer: string, cents = 1250): Promise<OrderAnswer> {
  const order = await client.place(orderOf(customer, cents));
  placed.push(order.order_id);
  return order;
}

const cancel = (
  id: string,
  headers: Record<string, string> = {},
): Promise<{ status: string; version: number }> =>
  client.call('POST', `/api/orders/${id}/cancel`, JSON.stringify({ reason: 'changed my mind' }), headers);

interface EventJson {
  event_id: string;
  event_type: string;
  data: Record<string, unknown>;
}

async function history(id: string): Promise<EventJson[]> {
  return (await client.call<{ events: EventJson[] }>('GET', `/api/orders/${id}/events`)).events;
}

const names = async (id: string): Promise<string[]> =>
  (await history(id)).map(({ event_type }) => event_type.replace('ORDERS.', ''));

const became = (id: string, status: string): Promise<OrderAnswer> =>
  eventually(async () => {
    const order = await client.get(id);
    expect(order.status).toBe(status);
    return order;
  });

/** `headwater orders …`, as it is built. */
const cli = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
  run(process.execPath, [join(__dirname, '../../apps/cli/bin/headwater.js'), 'orders', ...args], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });

/** The provider's entry for an order's payment. */
async function payment(id: string): Promise<string | undefined> {
  const [created] = await history(id);
  return (await readLedger(started.platform.urls.simulator)).get(created!.event_id)?.status;
}

/** Reads a watch to its end. */
async function watch(
  id: string,
  lastEventId?: string,
): Promise<{ status: number; ids: string[]; types: string[] }> {
  const response = await fetch(`${started.platform.urls.api}/api/orders/${id}/watch`, {
    ...(lastEventId === undefined ? {} : { headers: { 'last-event-id': lastEventId } }),
  });
  const text = await response.text();
  const fields = (name: string): string[] =>
    [...text.matchAll(new RegExp(`^${name}: (.*)$`, 'gm'))].map(([, value]) => value ?? '');
  return { status: response.status, ids: fields('id'), types: fields('event') };
}

test('a declined order ends as cancelled, and nothing was taken', async () => {
  const { order_id } = await place('declined-1');
  await became(order_id, 'Cancelled');
  expect(await names(order_id)).toEqual(['created', 'paymentdeclined', 'cancelled']);
  expect(await payment(order_id)).toBe('declined');
});

test('a rejected order gets its money back and ends; whoever watches sees all of it', async () => {
  const { order_id } = await place('rejected-1');
  const watched = await watch(order_id);
  const all = ['created', 'paymentdebited', 'rejected', 'voidrequested', 'paymentvoided', 'cancelled'];
  expect(watched).toEqual({
    status: 200,
    ids: ['1', '2', '3', '4', '5', '6'],
    types: all.map((name) => `ORDERS.${name}`),
  });
  expect(await names(order_id)).toEqual(all);
  await became(order_id, 'Cancelled');
  expect(await payment(order_id)).toBe('voided');
  expect((await watch(order_id, '4')).ids).toEqual(['5', '6']);
  expect(await watch(order_id, '6')).toEqual({ status: 204, ids: [], types: [] });
  expect((await watch('nobody')).status).toBe(404);
  expect((await watch(order_id, 'x')).status).toBe(422);
});

test('many watchers of one order see its end', async () => {
  const { order_id } = await place('watched');
  const watched = await Promise.all(Array.from({ length: 200 }, () => watch(order_id)));
  expect(new Set(watched.map(({ ids }) => ids.join()))).toEqual(new Set(['1,2,3']));
});

test('an order that is cancelled before its payment ends without money, however late the payment worker is', async () => {
  pause('payment');
  const { order_id, version } = await place('hesitant');
  await expect(cancel(order_id, { 'if-match': '"7"' })).rejects.toMatchObject({ status: 412 });
  await expect(cancel(order_id, { 'if-match': 'seven' })).rejects.toMatchObject({ status: 422 });
  const answer = await cancel(order_id, { 'if-match': `"${version}"` });
  expect(answer).toMatchObject({ status: 'Cancelling', version: 2 });
  // Its answer may have got lost; the same again is no conflict.
  expect((await cancel(order_id, { 'if-match': `"${version}"` })).version).toBeGreaterThanOrEqual(2);
  await became(order_id, 'Voiding');
  const api = started.platform.urls.api;
  expect((await cli('cancel', order_id, '--reason', 'again', '--api', api)).stdout).toContain('is Voiding');
  resume('payment');
  await became(order_id, 'Cancelled');
  expect(['voided', undefined]).toContain(await payment(order_id));
  expect((await names(order_id)).filter((name) => name === 'cancelrequested')).toHaveLength(1);
});

test('what has been approved, or never was, is not cancelled', async () => {
  const { order_id } = await place('content');
  await became(order_id, 'Approved');
  await expect(cancel(order_id)).rejects.toMatchObject({ status: 409 });
  await expect(cancel('nobody')).rejects.toMatchObject({ status: 404 });
  await expect(
    client.call('POST', `/api/orders/${order_id}/cancel`, JSON.stringify({ reason: '', colour: 'red' })),
  ).rejects.toMatchObject({ status: 422 });
});

test('a payment without a result by its deadline is voided, also when the coordinator is killed meanwhile', async () => {
  pause('payment');
  const { order_id } = await place('slow');
  await started.platform.process('coordinator')!.kill();
  await became(order_id, 'Voiding');
  resume('payment');
  await became(order_id, 'Cancelled');
  expect((await names(order_id)).slice(0, 2)).toEqual(['created', 'voidrequested']);
  expect(['voided', undefined]).toContain(await payment(order_id));
});

test('a void that the provider never confirms calls a person, whose word ends the order; the late void is entered', async () => {
  const { simulator, grpc } = started.platform.urls;
  pause('review');
  const { order_id } = await place('stuck');
  await became(order_id, 'PaymentDebited');
  await setFaults(simulator, { error_rate: 1 });
  await became(order_id, 'NeedsAttention');
  const seen = await names(order_id);
  expect(seen.filter((name) => name === 'voidrequested')).toHaveLength(3);

  const resolve = (...args: string[]): Promise<{ stdout: string }> =>
    cli('resolve', order_id, '--eventstore', grpc, '--by', 'Ada', ...args);
  await expect(resolve('--reason', 'gone')).rejects.toMatchObject({
    stderr: expect.stringContaining('--voided or --written-off') as unknown,
  });
  const { stdout } = await resolve('--written-off', '--reason', 'the provider does not answer');
  expect(stdout).toContain('resolved as written-off by Ada');
  await became(order_id, 'Cancelled');
  expect((await history(order_id)).at(-1)).toMatchObject({
    event_type: 'ORDERS.cancelled',
    data: { reason: 'resolved: written-off' },
  });
  await expect(resolve('--voided', '--reason', 'again')).rejects.toMatchObject({
    stderr: expect.stringContaining('only an order that needs attention') as unknown,
  });

  await setFaults(simulator, { error_rate: 0 });
  resume('review');
  await eventually(async () => expect((await names(order_id)).at(-1)).toBe('paymentvoided'));
  expect((await client.get(order_id)).status).toBe('Cancelled');
  expect(await payment(order_id)).toBe('voided');
});

test('in the end everything agrees to the cent', async () => {
  const account = await eventually(() => checkOrders(started.platform, placed), 30_000, 250);
  expect(account).toMatchObject({
    orders: placed.length,
    statuses: { Approved: 2, Cancelled: placed.length - 2 },
    held: 2_500n,
    deadLetters: 0,
  });
});
