import { LOGS, OrderEvent, ParkedDeadLetter, RecordedEvent } from '@headwater/contracts';
import { deriveEventId, EventStoreUnavailable } from '@headwater/eventstore-client';
import { createPool, migrateDatabase } from '@headwater/sql';
import { createTestDatabase, TestDatabase } from '@headwater/testing';
import { createdEvent, OrderLog } from '@headwater/testing-platform';
import type { Pool } from 'pg';
import { Registry } from 'prom-client';
import { CoordinatorMetrics } from './coordinator-metrics';
import {
  allDeadlines,
  dueDeadlines,
  postponeDeadline,
  removeDeadlines,
  saveDeadlines,
} from './deadline-rows';
import { OrderStore } from './decide-order';
import { FireDeadlines } from './fire-deadlines';
import { COORDINATOR_MIGRATIONS } from './migrations';
import { CheckpointLost, readProgress } from './progress';
import { rebuildDeadlines, recordDeadlines } from './record-deadlines';

const policy = { paymentMs: 60_000, reviewMs: 120_000, voidMs: 1_000, voidMostMs: 4_000, voidAttempts: 3 };

let database: TestDatabase;
let pool: Pool;
let log: OrderLog;
const parked: ParkedDeadLetter[] = [];
/** The clock of the test, which is also that of the log: an event is recorded when it is first seen. */
let now = Date.now();
const recordedAt = new Map<number, string>();
let orders = 0;
let order: string;

beforeAll(async () => {
  database = await createTestDatabase();
  await migrateDatabase(database.url, COORDINATOR_MIGRATIONS);
  pool = createPool({ url: database.url, applicationName: 'test', max: 4 });
  log = await OrderLog.create();
});
afterAll(async () => {
  await pool.end();
  await database.drop();
  await log.close();
});
beforeEach(() => {
  order = `order-${++orders}`;
  parked.length = 0;
});

function atTestTime(events: readonly RecordedEvent[]): RecordedEvent[] {
  return events.map((recorded) => {
    const { position } = recorded;
    if (!recordedAt.has(position)) recordedAt.set(position, new Date(now).toISOString());
    return { ...recorded, recordedAt: recordedAt.get(position) ?? '' };
  });
}

/** The event store with the test's clock. */
const clocked: OrderStore = {
  append: (name, aggregates) => log.append(name, aggregates),
  readAggregate: async (...of) => atTestTime(await log.readAggregate(...of)),
};

const firing = (store: OrderStore = clocked): FireDeadlines =>
  new FireDeadlines({
    pool,
    store,
    deadLetters: { park: (letter) => Promise.resolve(void parked.push(letter)) },
    policy,
    defaultCurrency: 'EUR',
    holder: 'host:1',
    metrics: new CoordinatorMetrics(new Registry()),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    deciding: { up: () => undefined, down: () => undefined },
    now: () => now,
    pollMs: 10,
  });

/** Brings the deadlines up to the end of the log. */
async function record(): Promise<void> {
  const { checkpoint, epoch } = await readProgress(pool);
  for await (const page of log.readLog(LOGS.orders, { after: checkpoint }))
    await recordDeadlines(pool, (await readProgress(pool)).checkpoint, atTestTime(page), { epoch, policy });
}

/** Records, and fires what is due after `ms` more. */
async function pass(ms: number, by = firing()): Promise<void> {
  await record();
  now += ms;
  await by.fireDue();
}

const mine = async () => (await allDeadlines(pool)).filter(({ orderId }) => orderId === order);
const event = (name: 'paymentdebited' | 'paymentvoided' | 'paymentdeclined' | 'rejected'): OrderEvent => {
  const money = { order_id: order, amount: '12.50', currency: 'EUR' };
  switch (name) {
    case 'paymentdebited':
      return { name, data: { ...money, customer_id: 'c1', payment_id: 'p1' } };
    case 'paymentvoided':
      return { name, data: { ...money, payment_key: 'k' } };
    case 'paymentdeclined':
    case 'rejected':
      return { name, data: { order_id: order, code: 'no', message: 'no' } };
  }
};

test('no payment result by the deadline: a void is asked for, once, and caused by what was seen', async () => {
  const created = await log.given(order, createdEvent(order));
  await pass(59_000);
  expect(await log.names(order)).toEqual(['created']);
  await pass(2_000);
  await pass(0);
  const [, requested, ...rest] = await log.history(order);
  expect(rest).toEqual([]);
  expect(requested).toMatchObject({
    eventType: 'ORDERS.voidrequested',
    eventId: deriveEventId(created.eventId, 'ORDERS.voidrequested'),
    metadata: {
      causationId: created.eventId,
      correlationId: created.eventId,
      schemaVersion: 1,
      delivery: { worker: 'coordinator', instance: 'host:1', handledMs: 1_000 },
    },
  });
  expect(JSON.parse(requested!.data)).toMatchObject({ payment_key: created.eventId, attempt: 1 });
});

test('a decline is followed by the end, and nothing stays behind', async () => {
  await log.given(order, createdEvent(order), event('paymentdeclined'));
  await pass(0);
  expect(await log.names(order)).toEqual(['created', 'paymentdeclined', 'cancelled']);
  await pass(0);
  expect(await mine()).toEqual([]);
});

test('a void that is not confirmed is asked for again with growing waits, then a person; a late void ends it', async () => {
  await log.given(order, createdEvent(order), event('paymentdebited'), event('rejected'));
  await pass(0);
  const asked = async (): Promise<number> =>
    (await log.names(order)).filter((name) => name === 'voidrequested').length;
  expect(await asked()).toBe(1);
  await pass(1_100);
  expect(await asked()).toBe(2);
  await pass(1_100);
  expect(await asked()).toBe(2);
  await pass(1_100);
  expect(await asked()).toBe(3);
  await pass(4_100);
  expect((await log.names(order)).at(-1)).toBe('needsattention');
  await pass(1_000_000);
  expect((await log.names(order)).at(-1)).toBe('needsattention');
  await log.given(order, event('paymentvoided'));
  await pass(0);
  expect((await log.names(order)).at(-1)).toBe('cancelled');
  await pass(0);
  expect(await mine()).toEqual([]);
});

test('two replicas that fire the same deadlines at once decide once', async () => {
  const ids = Array.from({ length: 20 }, (_, n) => `${order}-${n}`);
  for (const id of ids) await log.given(id, createdEvent(id));
  await record();
  now += 61_000;
  await Promise.all([firing().fireDue(), firing().fireDue()]);
  await firing().fireDue();
  for (const id of ids) expect(await log.names(id)).toEqual(['created', 'voidrequested']);
});

test('a deadline that somebody was faster than is decided anew on what there is then', async () => {
  await log.given(order, createdEvent(order));
  await record();
  now += 61_000;
  let late = true;
  await firing({
    ...clocked,
    readAggregate: async (...of) => {
      const history = await clocked.readAggregate(...of);
      if (late && of[1] === order) {
        late = false;
        await log.given(order, event('paymentdebited'));
      }
      return history;
    },
  }).fireDue();
  // Paid meanwhile: the wait is for a review now.
  expect(await log.names(order)).toEqual(['created', 'paymentdebited']);
  await record();
  expect(await mine()).toMatchObject([{ step: 'review', version: 2 }]);
});

test('an event store that is away leaves the deadlines for later', async () => {
  await log.given(order, createdEvent(order));
  await record();
  now += 61_000;
  const away = firing({
    append: () => Promise.reject(new EventStoreUnavailable('away')),
    readAggregate: () => Promise.reject(new EventStoreUnavailable('away')),
  });
  await expect(away.fireDue()).rejects.toThrow('away');
  expect(await mine()).toMatchObject([{ step: 'payment' }]);
  await firing().fireDue();
  expect(await log.names(order)).toEqual(['created', 'voidrequested']);
  expect(parked).toEqual([]);
});

test('an order whose history nobody can read is parked and holds up no other', async () => {
  await log.append(LOGS.orders, [
    {
      aggregateId: order,
      aggregateType: 'order',
      expected: 'any',
      events: [
        {
          eventId: `bad-${order}`,
          eventType: 'ORDERS.created',
          data: '{"order_id":7}',
          metadata: { schemaVersion: 1 },
        },
      ],
    },
  ]);
  const good = `${order}-good`;
  await log.given(good, createdEvent(good));
  await pass(61_000);
  expect(parked).toMatchObject([
    {
      consumer: 'coordinator',
      reason: 'terminal',
      event: { event_id: `bad-${order}`, aggregate_id: order },
      error: { name: 'UndecodableEvent' },
    },
  ]);
  expect(await mine()).toEqual([]);
  expect(await log.names(good)).toEqual(['created', 'voidrequested']);
});

test('a failure that may pass is tried again, and parked when it does not', async () => {
  await log.given(order, createdEvent(order));
  await record();
  now += 61_000;
  const broken = firing({
    append: () => Promise.reject(new TypeError('a bug')),
    readAggregate: clocked.readAggregate,
  });
  await broken.fireDue();
  expect(parked).toEqual([]);
  for (let attempt = 2; attempt <= 8; attempt++) {
    now += 60_000;
    await broken.fireDue();
  }
  expect(parked.filter(({ event: of }) => of?.aggregate_id === order)).toMatchObject([
    { reason: 'attempts', attempts: 8, error: { name: 'TypeError' } },
  ]);
});

test('made anew from the log, the deadlines are what they were; a holder of before is refused', async () => {
  await log.given(order, createdEvent(order), event('paymentdebited'));
  await log.given(`${order}-b`, createdEvent(`${order}-b`));
  await record();
  const before = await allDeadlines(pool);
  const { checkpoint, epoch } = await readProgress(pool);
  await rebuildDeadlines(pool);
  expect(await allDeadlines(pool)).toEqual([]);
  const next = await log.given(order, event('paymentvoided'));
  await expect(recordDeadlines(pool, checkpoint, [next], { epoch, policy })).rejects.toBeInstanceOf(
    CheckpointLost,
  );
  await rebuildDeadlines(pool);
  await record();
  const rebuilt = await allDeadlines(pool);
  // Waits that have been fired come back from the log and are found over; none is lost.
  for (const deadline of before.filter(({ orderId }) => orderId !== order))
    expect(rebuilt).toContainEqual(deadline);
  await pass(0);
  await pass(0);
  expect((await log.names(order)).at(-1)).toBe('cancelled');
});

test('rows: a deadline of an older version neither replaces nor removes, nor moves, a newer one', async () => {
  const at = (version: number, dueAt: number) => ({ orderId: order, step: 'void' as const, version, dueAt });
  await saveDeadlines(pool, [at(5, now)]);
  await saveDeadlines(pool, [at(4, now + 1_000)]);
  await removeDeadlines(pool, [at(4, 0)]);
  await postponeDeadline(pool, at(4, 0), now + 5_000);
  expect(await mine()).toEqual([at(5, now)]);
  expect(await dueDeadlines(pool, now - 1, 1_000)).not.toContainEqual(at(5, now));
  expect(await dueDeadlines(pool, now, 1_000)).toContainEqual(at(5, now));
  await removeDeadlines(pool, [at(6, 0)]);
  expect(await mine()).toEqual([]);
});
