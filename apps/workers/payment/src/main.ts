import 'reflect-metadata';
import { CONSUMERS, LOGS } from '@headwater/contracts';
import { EventIdClash, EventStoreClient } from '@headwater/eventstore-client';
import { DeadLetterLog, JetStreamStrategy } from '@headwater/nest-jetstream';
import { connectNats, runProcess } from '@headwater/platform';
import { NestFactory } from '@nestjs/core';
import { classify } from './classify';
import { readPaymentConfig } from './config';
import { HttpPaymentProvider } from './http-payment-provider';
import { PaymentModule } from './payment.module';

runProcess('payment', readPaymentConfig, async ({ log, readiness, metrics, onShutdown }, config) => {
  const store = new EventStoreClient({
    address: config.HEADWATER_EVENTSTORE_ADDRESS,
    ca: config.HEADWATER_EVENTSTORE_CA,
    channels: 2,
  });
  onShutdown('event store client', () => store.close());
  const provider = new HttpPaymentProvider({
    url: config.HEADWATER_PAYMENT_URL,
    timeoutMs: config.HEADWATER_PAYMENT_TIMEOUT_MS,
    connections: config.HEADWATER_CONCURRENCY,
  });
  onShutdown('payment provider', () => provider.close());
  const consumer = readiness.declare('consumer');
  const redriven = readiness.declare('redriven messages');
  const isClash = (error: unknown): boolean => error instanceof EventIdClash;
  const connection = await connectNats(config, 'payment', readiness.declare('nats'));
  onShutdown('nats', () => connection.close());

  const strategy = new JetStreamStrategy({
    connection,
    stream: LOGS.orders,
    consumer: CONSUMERS.payment,
    deadLetters: new DeadLetterLog(store, isClash),
    redrive: { store, isClash, readiness: redriven },
    readLog: (name, options) => store.readLog(name, options),
    classify,
    readiness: consumer,
    metrics,
    log,
    concurrency: config.HEADWATER_CONCURRENCY,
  });
  const module = PaymentModule.with({ store, provider, defaultCurrency: config.HEADWATER_DEFAULT_CURRENCY });
  const app = await NestFactory.createMicroservice(module, { strategy, logger: ['error', 'warn'] });
  onShutdown('handlers', () => app.close());
  await app.listen();
  log.info({ provider: config.HEADWATER_PAYMENT_URL }, 'taking payments');
});
