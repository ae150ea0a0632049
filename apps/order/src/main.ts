import { EventStoreClient } from '@headwater/eventstore-client';
import { runProcess, serverCertificate } from '@headwater/platform';
import { createPool } from '@headwater/sql';
import { readOrderConfig } from './config';
import { closeHttpServer, createHttpServer } from './http-server';
import { OrderWatchers } from './order-watchers';
import { watchReadModel } from './watch-read-model';

runProcess('order', readOrderConfig, async ({ log, readiness, onShutdown }, config) => {
  const database = createPool({ url: config.HEADWATER_DATABASE_URL, applicationName: 'order' });
  onShutdown('read model', () => database.end());
  onShutdown('read model watch', watchReadModel(database, readiness.declare('read model')));

  const store = new EventStoreClient({
    address: config.HEADWATER_EVENTSTORE_ADDRESS,
    ca: config.HEADWATER_EVENTSTORE_CA,
  });
  onShutdown('event store client', () => store.close());
  const eventStore = readiness.declare('event store');
  store.onState((up) => (up ? eventStore.up() : eventStore.down('no connection')));

  const watchers = new OrderWatchers(store, log);
  const app = await createHttpServer({ store, database, watchers, config }, log, serverCertificate(config));
  onShutdown('http', () => closeHttpServer(app));
  // First: the HTTP server waits for its connections, and these have no end of their own.
  onShutdown('watchers', () => watchers.close());
  await app.listen(config.HEADWATER_HTTP_PORT, config.HEADWATER_HTTP_HOST);
  log.info({ port: config.HEADWATER_HTTP_PORT }, 'listening');
});
