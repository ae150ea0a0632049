import { DynamicModule, Module } from '@nestjs/common';
import { Pool } from 'pg';
import { EventStore } from '@headwater/eventstore';
import { ProcessContext } from '@headwater/platform';
import { createPool } from '@headwater/sql';
import { EventStoreConfig } from './config';
import { storeMetrics } from './store-metrics';
import { CONFIG, PROCESS } from './tokens';

/** Composition root: the pool and the store on it. The servers are started from `main.ts`, in order. */
@Module({})
export class EventStoreModule {
  static with(config: EventStoreConfig, context: ProcessContext): DynamicModule {
    return {
      module: EventStoreModule,
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: PROCESS, useValue: context },
        { provide: Pool, useFactory: poolOf, inject: [CONFIG, PROCESS] },
        { provide: EventStore, useFactory: storeOf, inject: [Pool, CONFIG, PROCESS] },
      ],
    };
  }
}

const poolOf = (config: EventStoreConfig, { log }: ProcessContext): Pool =>
  createPool({
    url: config.HEADWATER_DATABASE_URL,
    applicationName: 'eventstore',
    max: 16,
    // A prepared statement's plan outlives the size that its table had; no hot read may ever scan one.
    settings: { enable_seqscan: 'off' },
    onConnectionError: (error) => log.warn({ err: error }, 'a connection to the database broke'),
  });

const storeOf = (pool: Pool, config: EventStoreConfig, { metrics }: ProcessContext): EventStore =>
  new EventStore(pool, {
    logs: config.HEADWATER_LOGS.map(({ name }) => name),
    isolation: config.HEADWATER_DATABASE_ISOLATION,
    ...storeMetrics(metrics),
  });
