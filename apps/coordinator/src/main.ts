import { hostname } from 'node:os';
import { CONSUMERS } from '@headwater/contracts';
import { EventIdClash, EventStoreClient } from '@headwater/eventstore-client';
import { DeadLetterLog, receiveRedriven } from '@headwater/nest-jetstream';
import { connectNats, runProcess } from '@headwater/platform';
import { createPool, untilMigrated } from '@headwater/sql';
import { policyOf, readCoordinatorConfig } from './config';
import { Coordinator } from './coordinator';
import { classify, decideRedriven } from './decide-redriven';
import { CoordinatorMetrics } from './coordinator-metrics';
import { COORDINATOR_MIGRATIONS } from './migrations';

runProcess('coordinator', readCoordinatorConfig, async ({ log, readiness, metrics, onShutdown }, config) => {
  const pool = createPool({ url: config.HEADWATER_DATABASE_URL, applicationName: 'coordinator', max: 4 });
  onShutdown('deadlines', () => pool.end());
  const store = new EventStoreClient({
    address: config.HEADWATER_EVENTSTORE_ADDRESS,
    ca: config.HEADWATER_EVENTSTORE_CA,
    channels: 2,
  });
  onShutdown('event store client', () => store.close());
  const deadlines = readiness.declare('deadlines');
  const consumer = readiness.declare('consumer');
  const deciding = readiness.declare('deciding');
  const nats = await connectNats(config, 'coordinator', readiness.declare('nats'));
  onShutdown('nats', () => nats.close());

  const stop = new AbortController();
  const isClash = (error: unknown): boolean => error instanceof EventIdClash;
  const deciders = {
    holder: `${hostname()}:${process.pid}`,
    policy: policyOf(config),
    defaultCurrency: config.HEADWATER_DEFAULT_CURRENCY,
  };
  const coordinator = new Coordinator({
    ...deciders,
    pool,
    store,
    nats,
    deadLetters: new DeadLetterLog(store, isClash),
    metrics: new CoordinatorMetrics(metrics),
    log,
    deadlines,
    consumer,
    deciding,
  });
  const migrated = untilMigrated(
    pool,
    COORDINATOR_MIGRATIONS,
    (reason) => deadlines.down(reason),
    stop.signal,
  );
  const running = migrated.then(() => coordinator.run(stop.signal));
  const redrive = { store, isClash, readiness: readiness.declare('redriven messages') };
  const stopRedriven = receiveRedriven(
    { connection: nats, consumer: CONSUMERS.coordinator, redrive, classify, metrics, log },
    async (event, signal) => {
      await migrated;
      await decideRedriven(store, pool, event, { ...deciders, now: Date.now(), signal });
    },
  );
  onShutdown('redriven messages', stopRedriven);
  onShutdown('coordinator', async () => {
    stop.abort();
    await running;
  });
});
