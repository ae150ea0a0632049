import {
  AggregateAppend,
  AppendResult,
  encodeOrderEvent,
  ExpectedVersion,
  LOGS,
  OrderEvent,
  RecordedEvent,
} from '@headwater/contracts';
/* eslint-disable no-restricted-imports -- a fixture of specs: the store itself, without the network before it */
import {
  declareLogs,
  EventIdClash,
  EventStore,
  EVENTSTORE_MIGRATIONS,
  VersionConflict,
} from '@headwater/eventstore';
import { EventIdClash as ClientClash, VersionConflict as ClientConflict } from '@headwater/eventstore-client';
import { deliveryFromLog, JetStreamContext } from '@headwater/nest-jetstream';
import { createPool, migrateDatabase } from '@headwater/sql';
import { createTestDatabase, TestDatabase } from '@headwater/testing';
import type { Pool } from 'pg';
/* eslint-enable no-restricted-imports */

/** Orders in a real event store on PostgreSQL, with the errors that its client would throw. */
export class OrderLog {
  private constructor(
    private readonly database: TestDatabase,
    private readonly pool: Pool,
    private readonly store: EventStore,
  ) {}

  static async create(): Promise<OrderLog> {
    const database = await createTestDatabase();
    await migrateDatabase(database.url, EVENTSTORE_MIGRATIONS);
    const pool = createPool({ url: database.url, applicationName: 'test', max: 4 });
    await declareLogs(pool, [LOGS.orders]);
    return new OrderLog(database, pool, new EventStore(pool, { logs: [LOGS.orders] }));
  }

  async append(log: string, aggregates: AggregateAppend[]): Promise<AppendResult> {
    try {
      return await this.store.append({
        log,
        aggregates: aggregates.map((aggregate) => ({
          ...aggregate,
          events: aggregate.events.map((event) => ({
            ...event,
            metadata: JSON.stringify(event.metadata ?? {}),
          })),
        })),
      });
    } catch (error) {
      if (error instanceof EventIdClash) throw new ClientClash(error.message, error.eventId);
      if (error instanceof VersionConflict)
        throw new ClientConflict(error.message, error.aggregateId, error.expected, error.actual);
      throw error;
    }
  }

  async readAggregate(log: string, aggregateId: string): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for await (const page of this.store.readAggregate(log, aggregateId)) {
      for (const { metadata, ...event } of page) {
        events.push({ ...event, metadata: JSON.parse(metadata || '{}') as RecordedEvent['metadata'] });
      }
    }
    return events;
  }

  /** What others write into an order's history. Returns the last event as it is recorded. */
  async given(orderId: string, ...events: OrderEvent[]): Promise<RecordedEvent> {
    let expected: ExpectedVersion = 'any';
    for (const event of events) {
      const { schemaVersion, ...encoded } = encodeOrderEvent(event);
      const eventId = `${event.name}-${orderId}-${Math.random()}`;
      const result: AppendResult = await this.append(LOGS.orders, [
        {
          aggregateId: orderId,
          aggregateType: 'order',
          expected,
          events: [{ ...encoded, eventId, metadata: { schemaVersion } }],
        },
      ]);
      expected = result.events[0]?.version ?? 'any';
    }
    const recorded = (await this.history(orderId)).at(-1);
    if (!recorded) throw new Error('nothing was recorded');
    return recorded;
  }

  history(orderId: string): Promise<RecordedEvent[]> {
    return this.readAggregate(LOGS.orders, orderId);
  }

  /** Event names in order. */
  async names(orderId: string): Promise<string[]> {
    return (await this.history(orderId)).map(({ eventType }) => eventType.replace('ORDERS.', ''));
  }

  async close(): Promise<void> {
    await this.pool.end();
    await this.database.drop();
  }
}

/** The context of an event's delivery. */
export const delivered = (event: RecordedEvent): JetStreamContext =>
  new JetStreamContext(deliveryFromLog(event), 'payment-worker', 1, new AbortController().signal);

export const created = (orderId: string, amount = '12.50', customer_id = 'c1'): OrderEvent => ({
  name: 'created',
  data: {
    order_id: orderId,
    customer_id,
    restaurant_id: 'r1',
    currency: 'EUR',
    amount,
    created_on: '2026-01-01T00:00:00Z',
    order_items: [{ code: 'a', name: 'A', unit_price: amount, quantity: 1 }],
  },
});
