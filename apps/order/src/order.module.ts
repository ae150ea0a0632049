import { DynamicModule, Module } from '@nestjs/common';
import type { Pool } from 'pg';
import { EventStoreClient } from '@headwater/eventstore-client';
import { OrderConfig } from './config';
import { OrdersController } from './orders.controller';
import { OrderWatchers } from './order-watchers';
import { PositionGate } from './position-gate';
import { DATABASE, ORDER_CONFIG } from './tokens';
import { WatchController } from './watch.controller';

export interface OrderDependencies {
  store: EventStoreClient;
  database: Pool;
  watchers: OrderWatchers;
  config: OrderConfig;
}

/** Composition root of the order API. */
@Module({})
export class OrderModule {
  static with({ store, database, watchers, config }: OrderDependencies): DynamicModule {
    return {
      module: OrderModule,
      controllers: [OrdersController, WatchController],
      providers: [
        { provide: EventStoreClient, useValue: store },
        { provide: OrderWatchers, useValue: watchers },
        { provide: DATABASE, useValue: database },
        { provide: ORDER_CONFIG, useValue: config },
        { provide: PositionGate, useValue: new PositionGate(database) },
      ],
    };
  }
}
