import * as fc from 'fast-check';
import type { Pool } from 'pg';
import { encodeOrderEvent, OrderEvent, RecordedEvent } from '@headwater/contracts';
import {
  CheckpointLost,
  findOrder,
  ORDER_READ_MODEL_MIGRATIONS,
  readCheckpoint,
} from '@headwater/order-read-model';
import { foldOrder } from '@headwater/order-domain';
import { createPool, migrate } from '@headwater/sql';
import { createTestDatabase, TestDatabase } from '@headwater/testing';
import { applyEvents } from './apply-events';
import { RowCache } from './row-cache';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, applicationName: 'test' });
  await migrate(pool, ORDER_READ_MODEL_MIGRATIONS);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(async () => {
  await pool.query('DELETE FROM orders');
  await pool.query('UPDATE projections SET checkpoint = 0, epoch = 1');
});

const LIFE: ((id: string) => OrderEvent)[] = [
  (order_id) => ({
    name: 'created',
    data: {
      order_id,
      customer_id: 'c1',
      restaurant_id: 'r1',
      currency: 'EUR',
      amount: '12.50',
      created_on: '2026-01-01T00:00:00.000Z',
      order_items: [{ code: 'a', name: 'A', unit_price: '12.50', quantity: 1 }],
    },
  }),
  (order_id) => ({
    name: 'paymentdebited',
    data: { order_id, customer_id: 'c1', payment_id: `p-${order_id}`, amount: '12.50', currency: 'EUR' },
  }),
  (order_id) => ({ name: 'approved', data: { order_id } }),
];

/** A log in which the given orders take their next step one after another. */
function logOf(steps: readonly number[]): RecordedEvent[] {
  const versions = new Map<number, number>();
  return steps
    .flatMap((order) => {
      const version = (versions.get(order) ?? 0) + 1;
      const step = LIFE[version - 1];
      if (!step) return [];
      versions.set(order, version);
      const id = `o${order}`;
      const { eventType, data, schemaVersion } = encodeOrderEvent(step(id));
      return [{ eventType, data, metadata: { schemaVersion }, aggregateId: id, version }];
    })
    .map((event, index) => ({
      ...event,
      log: 'ORDERS',
      position: index + 1,
      eventId: `${event.aggregateId}-${event.version}`,
      aggregateType: 'order',
      recordedAt: '2026-01-01T00:00:01.000Z',
    }));
}

const options = (cache = new RowCache()) => ({ pool, cache, epoch: 1, defaultCurrency: 'EUR' });

test('however a log is cut into batches, and however little is remembered, the rows are its fold', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 25 }),
      fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 25 }),
      fc.constantFrom(1, 3, 100),
      async (steps, sizes, remembered) => {
        await pool.query('DELETE FROM orders');
        await pool.query('UPDATE projections SET checkpoint = 0, epoch = 1');
        const log = logOf(steps);
        const apply = options(new RowCache(remembered));
        let checkpoint = 0;
        for (let turn = 0; checkpoint < log.length; turn++) {
          const size = sizes[turn % sizes.length]!;
          const before = checkpoint;
          ({ checkpoint } = await applyEvents(checkpoint, log.slice(checkpoint, checkpoint + size), apply));
          expect(checkpoint).toBeGreaterThan(before);
        }
        expect((await readCheckpoint(pool)).checkpoint).toBe(log.length);
        for (const id of new Set(log.map(({ aggregateId }) => aggregateId))) {
          const history = log.filter(({ aggregateId }) => aggregateId === id);
          const state = foldOrder(history);
          const row = await findOrder(pool, id);
          expect(row).toMatchObject({
            status: state.status,
            version: history.length,
            position: history.at(-1)!.position,
          });
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('a cache smaller than a batch pushes no order of the batch out', async () => {
  const cache = new RowCache(1);
  const log = logOf([1, 2, 3, 1, 2, 3, 1, 2, 3]);
  let checkpoint = 0;
  while (checkpoint < log.length) {
    const result = await applyEvents(checkpoint, log.slice(checkpoint, checkpoint + 3), options(cache));
    expect(result).toEqual({ checkpoint: checkpoint + 3 });
    ({ checkpoint } = result);
  }
});

test('another epoch refuses the batch, and nothing of it stays', async () => {
  await pool.query('UPDATE projections SET epoch = 2');
  await expect(applyEvents(0, logOf([1, 1, 1]), options())).rejects.toThrow(CheckpointLost);
  expect(await findOrder(pool, 'o1')).toBeUndefined();
});

test('a batch that has been applied already is refused', async () => {
  await applyEvents(0, logOf([1, 1]), options());
  await expect(applyEvents(0, logOf([1, 1]), options())).rejects.toThrow(CheckpointLost);
});

test('what comes before a poison event is applied, and the event is named', async () => {
  const log = logOf([1, 1, 2, 2]);
  log[2] = { ...log[2]!, data: '{"order_id":5}' };
  const { checkpoint, poison } = await applyEvents(0, log, options());
  expect(checkpoint).toBe(2);
  expect(poison?.message).toContain('position 3 (ORDERS.created of o2)');
  expect(await findOrder(pool, 'o1')).toMatchObject({ status: 'PaymentDebited' });
  expect((await readCheckpoint(pool)).checkpoint).toBe(2);
});

test('an order whose first event was left out is poison, not a row without a beginning', async () => {
  const { poison } = await applyEvents(0, [{ ...logOf([1, 1])[1]!, position: 1 }], options());
  expect(poison).toBeDefined();
});
