import { decodeOrderEvent } from '@headwater/contracts';
import { createdEvent, OrderLog } from '@headwater/testing-platform';
import { CancelledOrder, cancelOrder, ifMatchHeader } from './cancel-order';

let log: OrderLog;
let orders = 0;
let order: string;

beforeAll(async () => {
  log = await OrderLog.create();
});
afterAll(() => log.close());
beforeEach(async () => {
  order = `order-${++orders}`;
  await log.given(order, createdEvent(order));
});

const cancel = (reason = 'changed my mind', ifMatch?: number[]): Promise<CancelledOrder> =>
  cancelOrder(log, order, { reason }, { ifMatch, traceparent: 'none', defaultCurrency: 'EUR' });

test('a request is recorded once, however often and with whatever reason it is repeated', async () => {
  const answers = await Promise.all([cancel('a'), cancel('b'), cancel('a', [1]), cancel('c', [1])]);
  for (const answer of answers) expect(answer).toEqual({ orderId: order, status: 'Cancelling', version: 2 });
  expect(await cancel('d')).toMatchObject({ version: 2 });
  expect(await log.names(order)).toEqual(['created', 'cancelrequested']);
  const [created, asked] = await log.history(order);
  expect(asked?.metadata).toMatchObject({ correlationId: created?.eventId, schemaVersion: 1 });
  expect(['a', 'b', 'c']).toContain((decodeOrderEvent(asked!).data as { reason: string }).reason);
});

test('a payment that comes meanwhile does not stop it', async () => {
  await Promise.all([
    cancel(),
    log.given(order, {
      name: 'paymentdebited',
      data: { order_id: order, customer_id: 'c1', payment_id: 'p', amount: '12.50', currency: 'EUR' },
    }),
  ]);
  expect((await log.names(order)).sort()).toEqual(['cancelrequested', 'created', 'paymentdebited']);
});

test('an order that has changed is left as it is when the request names a version', async () => {
  await expect(cancel('x', [3, 4])).rejects.toMatchObject({ code: 'precondition-failed' });
  expect(await log.names(order)).toEqual(['created']);
  expect(await cancel('x', [1, 7])).toMatchObject({ version: 2 });
  expect(await cancel('x', [2])).toMatchObject({ version: 2 });
  await expect(cancel('x', [3])).rejects.toMatchObject({ code: 'precondition-failed' });
});

test('an order that ends for another reason is a conflict', async () => {
  await log.given(order, { name: 'paymentdeclined', data: { order_id: order, code: 'no', message: 'no' } });
  await expect(cancel()).rejects.toMatchObject({ code: 'conflict' });
});

test.each<[string | undefined, number[] | undefined | 'refused']>([
  [undefined, undefined],
  ['*', undefined],
  ['"3"', [3]],
  ['"3", "12"', [3, 12]],
  ['3', 'refused'],
  ['W/"3"', 'refused'],
  ['', 'refused'],
])('If-Match %p', (header, versions) => {
  const result = ifMatchHeader.safeParse(header);
  if (versions === 'refused') expect(result.success).toBe(false);
  else expect(result).toMatchObject({ success: true, data: versions });
});
