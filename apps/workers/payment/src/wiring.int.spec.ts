import 'reflect-metadata';
import { CONSUMERS, headersOf, LOGS, subjectOf } from '@headwater/contracts';
import { JetStreamStrategy } from '@headwater/nest-jetstream';
import { eventually, startTestNats, TestNats } from '@headwater/testing';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, NatsConnection } from '@nats-io/transport-node';
import { INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { OrderLog, createdEvent as created } from '@headwater/testing-platform';
import { classify } from './classify';
import { PaymentModule } from './payment.module';
import { PaymentProvider } from './payment-provider';

let nats: TestNats;
let log: OrderLog;
let connection: NatsConnection;
let app: INestMicroservice;

const provider: PaymentProvider = {
  debit: ({ key, amount }) => Promise.resolve({ status: 'debited', paymentId: `p-${key}`, amount }),
  void: () => Promise.resolve({ amount: 0n }),
};

beforeAll(async () => {
  nats = await startTestNats();
  log = await OrderLog.create();
  connection = await connect({ servers: nats.url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: LOGS.orders, subjects: ['ORDERS.>'] });
  await manager.consumers.add(LOGS.orders, {
    durable_name: CONSUMERS.payment,
    ack_policy: AckPolicy.Explicit,
  });
  const strategy = new JetStreamStrategy({
    connection,
    stream: LOGS.orders,
    consumer: CONSUMERS.payment,
    deadLetters: { park: (parked) => Promise.reject(new Error(parked.error.message)) },
    classify,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const module = PaymentModule.with({ store: log, provider, defaultCurrency: 'EUR' });
  app = await NestFactory.createMicroservice(module, { strategy, logger: false });
  await app.listen();
});

afterAll(async () => {
  await app.close();
  await connection.close();
  await nats.stop();
  await log.close();
});

test('an event that arrives through JetStream is paid and recorded, then acked', async () => {
  const event = await log.given('order-1', created('order-1'));
  const message = headers();
  for (const [name, value] of headersOf(event)) message.set(name, value);
  await jetstream(connection).publish(subjectOf(event.eventType, 'order-1'), event.data, {
    headers: message,
  });
  await eventually(async () => expect(await log.names('order-1')).toEqual(['created', 'paymentdebited']));
  const manager = await jetstreamManager(connection);
  await eventually(async () => {
    const info = await manager.consumers.info(LOGS.orders, CONSUMERS.payment);
    expect(info.ack_floor.stream_seq).toBe(1);
  });
  const [, debited] = await log.history('order-1');
  expect(debited?.metadata.delivery).toMatchObject({ worker: 'payment-worker', attempt: 1 });
});
