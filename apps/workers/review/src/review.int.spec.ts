import 'reflect-metadata';
import { CONSUMERS, headersOf, LOGS, OrderEvent, RecordedEvent, subjectOf } from '@headwater/contracts';
import { deriveEventId } from '@headwater/eventstore-client';
import { JetStreamStrategy } from '@headwater/nest-jetstream';
import { eventually, startTestNats } from '@headwater/testing';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { NestFactory } from '@nestjs/core';
import { OrderLog, createdEvent as created } from '@headwater/testing-platform';
import { delivered } from '../test/delivered';
import { classify } from './classify';
import { OrderStore, ReviewOrder } from './review-order';
import { ReviewPolicy, reviewByRules } from './review-policy';
import { ReviewController } from './review.controller';
import { ReviewModule } from './review.module';

let log: OrderLog;
let orders = 0;
let order: string;
let reads: number;

const byRules = reviewByRules({ approveUpTo: 100n, rejectedCustomers: ['rejected-*'] });

beforeAll(async () => {
  log = await OrderLog.create();
});
afterAll(() => log.close());
beforeEach(() => {
  order = `order-${++orders}`;
  reads = 0;
});

/** The order log, counting reads. */
const counted: OrderStore = {
  append: (name, aggregates) => log.append(name, aggregates),
  readAggregate: (name, id) => {
    reads++;
    return log.readAggregate(name, id);
  },
};

const review = (event: RecordedEvent, policy: ReviewPolicy = byRules): Promise<void> =>
  new ReviewController(new ReviewOrder(counted, policy, 'EUR'), 'EUR').paymentDebited(
    event,
    delivered(event),
  );

const debited = (customer_id = 'c1', amount = '12.50'): OrderEvent => ({
  name: 'paymentdebited',
  data: { order_id: order, customer_id, payment_id: 'p', amount, currency: 'EUR' },
});
const voidRequested = (): OrderEvent => ({
  name: 'voidrequested',
  data: { order_id: order, payment_key: 'k', reason: 'deadline', attempt: 1 },
});

test('a paid order is approved once, without a read, and the approval says where it came from', async () => {
  const event = await log.given(order, created(order), debited());
  await review(event);
  await Promise.all([review(event), review(event)]);
  expect(reads).toBe(0);
  const [, , approved, ...rest] = await log.history(order);
  expect(rest).toEqual([]);
  expect(approved).toMatchObject({
    eventType: 'ORDERS.approved',
    eventId: deriveEventId(event.eventId, 'ORDERS.approved'),
    version: 3,
    metadata: { causationId: event.eventId, schemaVersion: 1 },
  });
});

test('a listed customer and an amount above the limit are rejected', async () => {
  await review(await log.given(order, created(order, '12.50', 'rejected-1'), debited('rejected-1')));
  expect(await log.names(order)).toEqual(['created', 'paymentdebited', 'rejected']);
  order = `order-${++orders}`;
  await review(await log.given(order, created(order, '100.01'), debited('c1', '100.01')));
  expect(await log.names(order)).toEqual(['created', 'paymentdebited', 'rejected']);
});

test('an order that is ending when its late debit arrives is never approved', async () => {
  const event = await log.given(order, created(order), voidRequested(), debited());
  await review(event);
  expect(reads).toBe(1);
  expect(await log.names(order)).toEqual(['created', 'voidrequested', 'paymentdebited']);
});

test('an order that is cancelled behind its debit is not approved', async () => {
  const event = await log.given(order, created(order), debited());
  await log.given(order, { name: 'cancelrequested', data: { order_id: order, reason: 'no' } });
  await review(event);
  expect(await log.names(order)).toEqual(['created', 'paymentdebited', 'cancelrequested']);
});

test('a policy that has changed its mind between two deliveries changes nothing', async () => {
  const event = await log.given(order, created(order), debited());
  await review(event);
  await review(event, () => ({ approve: false, code: 'new', message: 'new rule' }));
  expect(await log.names(order)).toEqual(['created', 'paymentdebited', 'approved']);
});

test('an event that arrives through JetStream is reviewed', async () => {
  const nats = await startTestNats();
  const connection = await connect({ servers: nats.url });
  const manager = await jetstreamManager(connection);
  const event = await log.given(order, created(order), debited());
  await manager.streams.add({
    name: LOGS.orders,
    subjects: ['ORDERS.>'],
    first_seq: event.position,
  });
  await manager.consumers.add(LOGS.orders, {
    durable_name: CONSUMERS.review,
    ack_policy: AckPolicy.Explicit,
  });
  const strategy = new JetStreamStrategy({
    connection,
    stream: LOGS.orders,
    consumer: CONSUMERS.review,
    deadLetters: { park: (parked) => Promise.reject(new Error(parked.error.message)) },
    classify,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const module = ReviewModule.with({ store: log, policy: byRules, defaultCurrency: 'EUR' });
  const app = await NestFactory.createMicroservice(module, { strategy, logger: false });
  await app.listen();
  const message = headers();
  for (const [name, value] of headersOf(event)) message.set(name, value);
  await jetstream(connection).publish(subjectOf(event.eventType, order), event.data, { headers: message });
  await eventually(async () =>
    expect(await log.names(order)).toEqual(['created', 'paymentdebited', 'approved']),
  );
  await app.close();
  await connection.close();
  await nats.stop();
});
