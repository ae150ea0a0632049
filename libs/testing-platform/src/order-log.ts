import {
  AggregateAppend,
  AppendResult,
  encodeOrderEvent,
  ExpectedVersion,
  LOGS,
  OrderEvent,
  RecordedEvent,
} from '@headwater/contracts';
import {
  declareLogs,
  EventIdClash,
  EventStore,
  EVENTSTORE_MIGRATIONS,
  StoredEvent,
  VersionConflict,
} from '@headwater/eventstore';
import { EventIdClash as ClientClash, VersionConflict as ClientConflict } from '@headwater/eventstore-client';
import { createPool, migrateDatabase } from '@headwater/sql';
import { createTestDatabase, TestDatabase } from '@headwater/testing';
import type { Pool } from 'pg';

/**
 * Orders in a real event store on PostgreSQL, without the network before it: what its client offers, with the errors that
 * its client would throw.
 */
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
    const logs = Object.values(LOGS);
    await declareLogs(pool, logs);
    return new OrderLog(database, pool, new EventStore(pool, { logs }));
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

  async readAggregate(
    log: string,
    aggregateId: string,
    options: { fromVersion?: number; limit?: number } = {},
  ): Promise<RecordedEvent[]> {
    const { fromVersion = 0, limit = 0 } = options;
    const events: RecordedEvent[] = [];
    for await (const page of this.store.readAggregate(log, aggregateId, { fromVersion, limit }))
      events.push(...page.map(recorded));
    return events;
  }

  async *readLog(
    log: string,
    options: { after: number; eventTypes?: string[]; limit?: number; signal?: AbortSignal },
  ): AsyncGenerator<RecordedEvent[]> {
    for await (const { events } of this.store.readLog({ log, ...options }))
      if (events.length > 0) yield events.map(recorded);
  }

  async *followLog(
    log: string,
    options: { after: number; signal: AbortSignal },
  ): AsyncGenerator<{ events: RecordedEvent[]; position: number; caughtUp: boolean }> {
    for await (const { events, position, caughtUp } of this.store.readLog({ log, ...options, follow: true }))
      yield { events: events.map(recorded), position, caughtUp };
  }

  getLog(log: string): ReturnType<EventStore['getLog']> {
    return this.store.getLog(log);
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
    const last = (await this.history(orderId)).at(-1);
    if (!last) throw new Error('nothing was recorded');
    return last;
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

const recorded = ({ metadata, ...event }: StoredEvent): RecordedEvent => ({
  ...event,
  metadata: JSON.parse(metadata || '{}') as RecordedEvent['metadata'],
});

/** The first event of an order. */
export const createdEvent = (orderId: string, amount = '12.50', customer_id = 'c1'): OrderEvent => ({
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
