import { jetstreamManager } from '@nats-io/jetstream';
import { eventually } from '@headwater/testing';
import {
  checkOrders,
  HttpRefusal,
  OrderClient,
  orderOf,
  startTestPlatform,
  TestPlatform,
} from '@headwater/testing-platform';

let test1: TestPlatform;
let client: OrderClient;

beforeAll(async () => {
  test1 = await startTestPlatform();
  client = new OrderClient(test1.platform.urls.api, 32);
}, 120_000);

afterAll(async () => {
  await client.close();
  await test1.end();
}, 60_000);

const UNDER_WAY = ['Pending', 'PaymentDebited', 'Declined', 'Rejected', 'Voiding'];

/** Customers by the rules of simulator and review: most are approved. */
const customerOf = (n: number): string =>
  n % 20 === 7 ? 'declined-1' : n % 20 === 13 ? 'rejected-1' : `customer-${n % 50}`;
const outcomeOf = (customer: string): string =>
  customer.startsWith('declined-') || customer.startsWith('rejected-') ? 'Cancelled' : 'Approved';

test('500 orders of 32 callers end as the rules say, and everything agrees to the cent', async () => {
  const accepted = new Map<string, string>();
  let next = 0;
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (let n = next++; n < 500; n = next++) {
        const customer = customerOf(n);
        const { order_id } = await client.place(orderOf(customer, 100 + n));
        accepted.set(order_id, customer);
      }
    }),
  );
  expect(accepted.size).toBe(500);
  await eventually(async () => {
    for (const status of UNDER_WAY) {
      expect((await client.list({ status, limit: '1' })).orders).toEqual([]);
    }
    expect((await client.list({ limit: '1' })).orders).toHaveLength(1);
  }, 60_000);
  const account = await checkOrders(test1.platform, accepted.keys());
  const expected: Record<string, number> = {};
  for (const customer of accepted.values())
    expected[outcomeOf(customer)] = (expected[outcomeOf(customer)] ?? 0) + 1;
  expect(account).toMatchObject({ orders: 500, statuses: expected, deadLetters: 0 });
  for await (const order of client.all()) expect(order.status).toBe(outcomeOf(accepted.get(order.order_id)!));
}, 120_000);

test('the same key and body get the first answer again; another body is refused', async () => {
  const [first, second] = await Promise.all([
    client.place(orderOf('keyed'), 'key-1'),
    client.place(orderOf('keyed'), 'key-1'),
  ]);
  expect(second.order_id).toBe(first.order_id);
  expect(second.position).toBe(first.position);
  const third = await client.place(orderOf('keyed'), 'key-1');
  expect(third).toEqual(first);
  await expect(client.place(orderOf('keyed', 999), 'key-1')).rejects.toMatchObject({ status: 422 });
  const other = await client.place(orderOf('another customer'), 'key-1');
  expect(other.order_id).not.toBe(first.order_id);
});

test('a client that asks for its own write gets it', async () => {
  const placed = await client.place(orderOf('reader'));
  const order = await client.call<{ order_id: string }>(
    'GET',
    `/api/orders/${placed.order_id}?min_position=${placed.position}`,
  );
  expect(order.order_id).toBe(placed.order_id);
  await expect(
    client.call(
      'GET',
      `/api/orders/${placed.order_id}?min_position=${placed.position + 1_000_000}`,
      undefined,
      {
        prefer: 'wait=0',
      },
    ),
  ).rejects.toMatchObject({ status: 503 });
});

test('an order’s history has versions, positions, causes, one trace and the deliveries that led to it', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const { order_id } = await client.call<{ order_id: string }>(
    'POST',
    '/api/orders',
    JSON.stringify(orderOf('traced')),
    { traceparent },
  );
  const { events } = await eventually(async () => {
    const history = await client.call<{ events: Record<string, unknown>[] }>(
      'GET',
      `/api/orders/${order_id}/events`,
    );
    expect(history.events).toHaveLength(3);
    return history;
  });
  expect(events.map((event) => [event['version'], event['event_type']])).toEqual([
    [1, 'ORDERS.created'],
    [2, 'ORDERS.paymentdebited'],
    [3, 'ORDERS.approved'],
  ]);
  for (const event of events) expect(event['traceparent']).toContain('0af7651916cd43dd8448eb211c80319c');
  expect(events[1]!['caused_by']).toBe(events[0]!['event_id']);
  expect(events[2]!['caused_by']).toBe(events[1]!['event_id']);
  expect(events[1]).toMatchObject({ delivery: { worker: 'payment-worker', attempt: 1 } });
  expect(events[2]).toMatchObject({ delivery: { worker: 'review-worker', attempt: 1 } });
});

describe('bad input at the HTTP door', () => {
  const good = orderOf('bad');
  const post = (body: string, headers: Record<string, string> = {}): Promise<unknown> =>
    client.call('POST', '/api/orders', body, headers);

  test.each<[string, unknown, number, string[]]>([
    ['an unknown field', { ...good, colour: 'red' }, 422, ['/colour']],
    ['a wrong type', { ...good, customer_id: 7 }, 422, ['/customer_id']],
    ['no items', { ...good, order_items: [] }, 422, ['/order_items']],
    [
      'quantity 0',
      { ...good, order_items: [{ ...good.order_items[0], quantity: 0 }] },
      422,
      ['/order_items/0/quantity'],
    ],
    [
      'an inexact price',
      { ...good, order_items: [{ ...good.order_items[0], unit_price: '1.005' }] },
      422,
      ['/order_items/0/unit_price'],
    ],
    ['another amount', { ...good, amount: 1 }, 422, ['/amount']],
    [
      '501 items',
      { ...good, order_items: Array.from({ length: 501 }, () => good.order_items[0]) },
      422,
      ['/order_items'],
    ],
    ['a control character', { ...good, customer_id: 'a\u0000b' }, 422, ['/customer_id']],
    ['several faults', { order_items: 'x' }, 422, ['/customer_id', '/restaurant_id', '/order_items']],
    ['no object', [], 422, ['']],
  ])('%s', async (_name, body, status, pointers) => {
    const refusal = await post(JSON.stringify(body)).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(HttpRefusal);
    expect(refusal).toMatchObject({
      status,
      body: { status, type: expect.stringContaining('/problems/') as unknown },
    });
    const { errors } = (refusal as HttpRefusal).body as { errors: { pointer: string }[] };
    expect(errors.map(({ pointer }) => pointer)).toEqual(pointers);
  });

  test('no JSON, another media type, a huge body', async () => {
    await expect(post('{"customer_id": ')).rejects.toMatchObject({
      status: 400,
      body: { title: expect.any(String) as unknown },
    });
    await expect(post('a=b', { 'content-type': 'text/plain' })).rejects.toMatchObject({ status: 415 });
    await expect(post(JSON.stringify({ ...good, customer_id: 'x'.repeat(300_000) }))).rejects.toMatchObject({
      status: 413,
    });
  });

  test('a bad key, a bad query, an order and a path that are not there', async () => {
    await expect(client.place(good, 'with blank')).rejects.toMatchObject({ status: 422 });
    await expect(client.list({ limit: '0' })).rejects.toMatchObject({ status: 422 });
    await expect(client.list({ colour: 'red' })).rejects.toMatchObject({ status: 422 });
    await expect(client.list({ cursor: 'x' })).rejects.toMatchObject({ status: 422 });
    await expect(client.get('nobody')).rejects.toMatchObject({ status: 404 });
    await expect(client.call('GET', '/api/orders/nobody/events')).rejects.toMatchObject({ status: 404 });
    await expect(client.call('GET', '/nowhere')).rejects.toMatchObject({ status: 404 });
  });

  test('the body of the Go sample works as it is', async () => {
    const sample = {
      order_id: '',
      customer_id: 'sample',
      status: 'Pending',
      created_on: '2024-01-01T00:00:00Z',
      restaurant_id: 'r1',
      amount: 24.4,
      order_items: [{ code: 'a', name: 'A', unit_price: 12.2, quantity: 2 }],
    };
    expect(await post(JSON.stringify(sample))).toMatchObject({
      status: 'Pending',
      amount: '24.40',
      currency: 'EUR',
    });
  });
});

test('the OpenAPI description names every operation', async () => {
  const document = await client.call<{ paths: Record<string, object> }>('GET', '/docs-json');
  expect(Object.keys(document.paths).sort()).toEqual([
    '/api/orders',
    '/api/orders/{id}',
    '/api/orders/{id}/cancel',
    '/api/orders/{id}/events',
    '/api/orders/{id}/watch',
  ]);
});

test('a stream configuration that breaks the equality is set right again', async () => {
  const connection = await test1.platform.connectNats();
  const manager = await jetstreamManager(connection);
  await manager.streams.update('ORDERS', { max_msgs: 1_000_000 });
  await eventually(async () => expect((await manager.streams.info('ORDERS')).config.max_msgs).toBe(-1));
  await connection.close();
});
