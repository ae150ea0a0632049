import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Pool } from 'pg';
import { EventStore } from '@headwater/eventstore';
import { runProcess, serverCertificate } from '@headwater/platform';
import { readEventStoreConfig } from './config';
import { EventStoreModule } from './eventstore.module';
import { createEventStoreServer } from './grpc/server';
import { runRelays } from './run-relays';
import { watchDatabase } from './watch-database';

runProcess('eventstore', readEventStoreConfig, async (context, config) => {
  const { log, readiness, onShutdown } = context;
  const app = await NestFactory.createApplicationContext(EventStoreModule.with(config, context), {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  onShutdown('module', () => app.close());
  const pool = app.get(Pool);
  onShutdown('database', () => pool.end());
  const store = app.get(EventStore);
  // Before the relays' own, which is up from the start: not ready until the database is there.
  const database = readiness.declare('database');
  onShutdown('relays', runRelays(config, pool, store, context));
  onShutdown('event store', () => store.close());

  const server = await createEventStoreServer(store, {
    host: config.HEADWATER_GRPC_HOST,
    port: config.HEADWATER_GRPC_PORT,
    certificate: serverCertificate(config),
    onError: (path, error) => log.error({ err: error, path }, 'a call met an unexpected error'),
  });
  onShutdown('grpc', () => server.close());

  const watcher = {
    up: () => {
      database.up();
      server.setServing(true);
    },
    down: (reason: string) => {
      database.down(reason);
      server.setServing(false);
    },
  };
  onShutdown('database watch', watchDatabase(pool, store.logs, watcher));
  log.info({ port: server.port, logs: store.logs }, 'listening');
});
