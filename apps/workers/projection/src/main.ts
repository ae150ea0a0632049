import { hostname } from 'node:os';
import { EventIdClash, EventStoreClient } from '@headwater/eventstore-client';
import { DeadLetterLog } from '@headwater/nest-jetstream';
import { ORDER_READ_MODEL_MIGRATIONS } from '@headwater/order-read-model';
import { connectNats, runProcess } from '@headwater/platform';
import { createPool, untilMigrated } from '@headwater/sql';
import { readProjectionConfig } from './config';
import { FillVersions } from './fill-versions';
import { Projection } from './projection';
import { ProjectionMetrics } from './projection-metrics';

runProcess('projection', readProjectionConfig, async ({ log, readiness, metrics, onShutdown }, config) => {
  const pool = createPool({ url: config.HEADWATER_DATABASE_URL, applicationName: 'projection', max: 6 });
  onShutdown('read model', () => pool.end());
  const store = new EventStoreClient({
    address: config.HEADWATER_EVENTSTORE_ADDRESS,
    ca: config.HEADWATER_EVENTSTORE_CA,
    channels: 2,
  });
  onShutdown('event store client', () => store.close());
  const progress = readiness.declare('read model');
  const consumer = readiness.declare('consumer');
  const nats = await connectNats(config, 'projection', readiness.declare('nats'));
  onShutdown('nats', () => nats.close());

  const stop = new AbortController();
  await untilMigrated(pool, ORDER_READ_MODEL_MIGRATIONS, (reason) => progress.down(reason), stop.signal);
  const shared = {
    pool,
    store,
    deadLetters: new DeadLetterLog(store, (error) => error instanceof EventIdClash),
    holder: `${hostname()}:${process.pid}`,
    defaultCurrency: config.HEADWATER_DEFAULT_CURRENCY,
    metrics: new ProjectionMetrics(metrics),
    log,
  };
  const projection = new Projection({ ...shared, nats, progress, consumer });
  const versions = new FillVersions(shared);
  const running = Promise.all([projection.run(stop.signal), versions.run(stop.signal)]);
  onShutdown('projection', async () => {
    stop.abort();
    await running;
  });
});
