import 'reflect-metadata';
import { CONSUMERS, LOGS } from '@headwater/contracts';
import { EventIdClash, EventStoreClient } from '@headwater/eventstore-client';
import { DeadLetterLog, JetStreamStrategy } from '@headwater/nest-jetstream';
import { connectNats, runProcess } from '@headwater/platform';
import { NestFactory } from '@nestjs/core';
import { classify } from './classify';
import { readReviewConfig } from './config';
import { reviewByRules } from './review-policy';
import { ReviewModule } from './review.module';

runProcess('review', readReviewConfig, async ({ log, readiness, metrics, onShutdown }, config) => {
  const store = new EventStoreClient({
    address: config.HEADWATER_EVENTSTORE_ADDRESS,
    ca: config.HEADWATER_EVENTSTORE_CA,
    channels: 2,
  });
  onShutdown('event store client', () => store.close());
  const consumer = readiness.declare('consumer');
  const redriven = readiness.declare('redriven messages');
  const isClash = (error: unknown): boolean => error instanceof EventIdClash;
  const connection = await connectNats(config, 'review', readiness.declare('nats'));
  onShutdown('nats', () => connection.close());

  const strategy = new JetStreamStrategy({
    connection,
    stream: LOGS.orders,
    consumer: CONSUMERS.review,
    deadLetters: new DeadLetterLog(store, isClash),
    redrive: { store, isClash, readiness: redriven },
    readLog: (name, options) => store.readLog(name, options),
    classify,
    readiness: consumer,
    metrics,
    log,
    concurrency: config.HEADWATER_CONCURRENCY,
  });
  const policy = reviewByRules({
    approveUpTo: config.HEADWATER_REVIEW_APPROVE_UP_TO,
    rejectedCustomers: config.HEADWATER_REVIEW_REJECTED_CUSTOMERS,
  });
  const module = ReviewModule.with({ store, policy, defaultCurrency: config.HEADWATER_DEFAULT_CURRENCY });
  const app = await NestFactory.createMicroservice(module, { strategy, logger: ['error', 'warn'] });
  onShutdown('handlers', () => app.close());
  await app.listen();
  log.info('reviewing paid orders');
});
