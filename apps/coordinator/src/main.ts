import { hostname } from 'node:os';
import { EventIdClash, EventStoreClient } from '@headwater/eventstore-client';
import { DeadLetterLog } from '@headwater/nest-jetstream';
import { connectNats, runProcess } from '@headwater/platform';
import { createPool } from '@headwater/sql';
import { policyOf, readCoordinatorConfig } from './config';
import { Coordinator } from './coordinator';
import { CoordinatorMetrics } from './coordinator-metrics';
import { waitForSchema } from './wait-for-schema';

runProcess('coordinator', readCoordinatorConfig, async ({ log, readiness, metrics, onShutdown }, config) => {
  const pool = createPool({ url: config.HEADWATER_DATABASE_URL, applicationName: 'coordinator', max: 4 });
  onShutdown('deadlines', () => pool.end());
  const store = new EventStoreClient({ address: config.HEADWATER_EVENTSTORE_ADDRESS, channels: 2 });
  onShutdown('event store client', () => store.close());
  const deadlines = readiness.declare('deadlines');
  const consumer = readiness.declare('consumer');
  const deciding = readiness.declare('deciding');
  const nats = await connectNats(config, 'coordinator', readiness.declare('nats'));
  onShutdown('nats', () => nats.close());

  const stop = new AbortController();
  const coordinator = new Coordinator({
    pool,
    store,
    nats,
    deadLetters: new DeadLetterLog(store, (error) => error instanceof EventIdClash),
    holder: `${hostname()}:${process.pid}`,
    policy: policyOf(config),
    defaultCurrency: config.HEADWATER_DEFAULT_CURRENCY,
    metrics: new CoordinatorMetrics(metrics),
    log,
    deadlines,
    consumer,
    deciding,
  });
  const running = waitForSchema(pool, deadlines, stop.signal).then(() => coordinator.run(stop.signal));
  onShutdown('coordinator', async () => {
    stop.abort();
    await running;
  });
});
