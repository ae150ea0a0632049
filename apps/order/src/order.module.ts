import { DynamicModule, Module } from '@nestjs/common';
import type { Pool } from 'pg';
import { EventStoreClient } from '@headwater/eventstore-client';
import { OrderConfig } from './config';
import { OrdersController } from './orders.controller';
import { PositionGate } from './position-gate';
import { DATABASE, ORDER_CONFIG } from './tokens';

export interface OrderDependencies {
  store: EventStoreClient;
  database: Pool;
  config: OrderConfig;
}

/** Composition root of the order API. */
@Module({})
export class OrderModule {
  static with({ store, database, config }: OrderDependencies): DynamicModule {
    return {
      module: OrderModule,
      controllers: [OrdersController],
      providers: [
        { provide: EventStoreClient, useValue: store },
        { provide: DATABASE, useValue: database },
        { provide: ORDER_CONFIG, useValue: config },
        { provide: PositionGate, useValue: new PositionGate(database) },
      ],
    };
  }
}
