import { decodeOrderEvent, RecordedEvent } from '@headwater/contracts';
import { deriveEventId } from '@headwater/eventstore-client';
import { foldOrder } from '@headwater/order-domain';
import { OrderLog, createdEvent as created } from '@headwater/testing-platform';
import { delivered } from '../test/delivered';
import { OrderJournal } from './order-journal';
import { PaymentController } from './payment.controller';
import { Debit, DebitResult, PaymentProvider, VoidResult } from './payment-provider';
import { TakePayment } from './take-payment';
import { VoidPayment } from './void-payment';

/** A provider that keeps its promises, in memory. */
class Provider implements PaymentProvider {
  readonly debits = new Map<string, bigint>();
  readonly voided = new Set<string>();
  declines = false;
  /** Something that happens between the debit and its answer. */
  meanwhile: () => Promise<unknown> = () => Promise.resolve();

  async debit({ key, amount }: Debit): Promise<DebitResult> {
    if (this.declines) return { status: 'declined', code: 'no', message: 'no money' };
    if (this.voided.has(key)) return { status: 'refused' };
    this.debits.set(key, amount);
    await this.meanwhile();
    return { status: 'debited', paymentId: `p-${key}`, amount };
  }

  void(key: string): Promise<VoidResult> {
    this.voided.add(key);
    return Promise.resolve({ amount: this.debits.get(key) ?? 0n });
  }

  /** What the provider holds. */
  held(key: string): bigint {
    return this.voided.has(key) ? 0n : (this.debits.get(key) ?? 0n);
  }
}

let log: OrderLog;
let provider: Provider;
let worker: PaymentController;
let orders = 0;
let order: string;

beforeAll(async () => {
  log = await OrderLog.create();
});
afterAll(() => log.close());

beforeEach(() => {
  order = `order-${++orders}`;
  provider = new Provider();
  const journal = new OrderJournal(log, 'EUR');
  const voidPayment = new VoidPayment(provider, journal);
  worker = new PaymentController(new TakePayment(provider, journal, voidPayment), voidPayment, 'EUR');
});

const handleCreated = (event: RecordedEvent): Promise<void> => worker.created(event, delivered(event));
const handleVoid = (event: RecordedEvent): Promise<void> => worker.voidRequested(event, delivered(event));
const voidRequested = (key: string, attempt = 1) =>
  ({
    name: 'voidrequested',
    data: { order_id: order, payment_key: key, reason: 'deadline', attempt },
  }) as const;
const cancelRequested = () =>
  ({ name: 'cancelrequested', data: { order_id: order, reason: 'changed my mind' } }) as const;

const books = async () => {
  const state = foldOrder(await log.history(order));
  if (state.status === 'None') throw new Error('there is no order');
  return { ...state.books, status: state.status };
};

test('a created order is debited once, however often it is delivered, and the debit says where it came from', async () => {
  const event = await log.given(order, created(order));
  await Promise.all([handleCreated(event), handleCreated(event)]);
  await handleCreated(event);
  const [, debited, ...rest] = await log.history(order);
  expect(rest).toEqual([]);
  expect(debited).toMatchObject({
    eventId: deriveEventId(event.eventId, 'ORDERS.paymentdebited'),
    version: 2,
    metadata: {
      correlationId: event.eventId,
      causationId: event.eventId,
      schemaVersion: 1,
      traceparent: expect.stringMatching(/^00-/),
      delivery: { worker: 'payment-worker', attempt: 1 },
    },
  });
  expect(decodeOrderEvent(debited!).data).toEqual({
    order_id: order,
    customer_id: 'c1',
    payment_id: `p-${event.eventId}`,
    amount: '12.50',
    currency: 'EUR',
  });
  expect(provider.debits).toEqual(new Map([[event.eventId, 1250n]]));
});

test('a decline is recorded once', async () => {
  provider.declines = true;
  const event = await log.given(order, created(order));
  await handleCreated(event);
  await handleCreated(event);
  expect(await log.names(order)).toEqual(['created', 'paymentdeclined']);
});

test('a decline of an order that is ending already changes nothing', async () => {
  provider.declines = true;
  const event = await log.given(order, created(order));
  await log.given(order, cancelRequested());
  await handleCreated(event);
  expect(await log.names(order)).toEqual(['created', 'cancelrequested']);
});

test('money taken for an order that is ending meanwhile is recorded, given back, and recorded again, once', async () => {
  const event = await log.given(order, created(order));
  provider.meanwhile = () => log.given(order, voidRequested(event.eventId));
  await handleCreated(event);
  expect(await log.names(order)).toEqual(['created', 'voidrequested', 'paymentdebited', 'paymentvoided']);
  expect(provider.held(event.eventId)).toBe(0n);
  expect(await books()).toMatchObject({ debited: 1250n, voided: 1250n, voidConfirmed: true });

  const request = (await log.history(order))[1]!;
  await handleVoid(request);
  await handleCreated(event);
  expect(await books()).toMatchObject({ debited: 1250n, voided: 1250n });
});

test('a void that is confirmed first keeps a late delivery of the order from taking anything', async () => {
  const event = await log.given(order, created(order));
  const request = await log.given(order, voidRequested(event.eventId));
  await handleVoid(request);
  await handleCreated(event);
  expect(await log.names(order)).toEqual(['created', 'voidrequested', 'paymentvoided']);
  expect(provider.held(event.eventId)).toBe(0n);
  expect(await books()).toMatchObject({ debited: 0n, voided: 0n, voidConfirmed: true });
});

test('a void gives back what was debited and enters it once, however often it is requested', async () => {
  const event = await log.given(order, created(order));
  await handleCreated(event);
  const first = await log.given(order, voidRequested(event.eventId));
  const second = await log.given(order, voidRequested(event.eventId, 2));
  await Promise.all([handleVoid(first), handleVoid(second), handleVoid(first)]);
  await handleVoid(second);
  expect(await books()).toMatchObject({ debited: 1250n, voided: 1250n, status: 'Voiding' });
  expect((await log.names(order)).filter((name) => name === 'paymentvoided')).toHaveLength(1);
});

test('a debit delivered again after the order was settled by a person leaves no money behind', async () => {
  const event = await log.given(order, created(order));
  await log.given(
    order,
    voidRequested(event.eventId),
    { name: 'needsattention', data: { order_id: order, reason: 'the provider is gone' } },
    {
      name: 'resolved',
      data: { order_id: order, outcome: 'written-off', reason: 'small', by: 'Ada' },
    },
    { name: 'cancelled', data: { order_id: order, reason: 'resolved' } },
  );
  await handleCreated(event);
  expect(provider.held(event.eventId)).toBe(0n);
  expect(await books()).toMatchObject({ debited: 1250n, voided: 1250n, status: 'Cancelled' });
});

test('a debit recorded with another payment id stands', async () => {
  const event = await log.given(order, created(order));
  await handleCreated(event);
  const original = provider.debit.bind(provider);
  provider.debit = async (debit) => {
    const result = await original(debit);
    return result.status === 'debited' ? { ...result, paymentId: 'another' } : result;
  };
  await handleCreated(event);
  expect(await log.names(order)).toEqual(['created', 'paymentdebited']);
});
