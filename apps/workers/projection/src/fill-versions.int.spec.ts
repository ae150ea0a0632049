import type { Pool } from 'pg';
import { Registry } from 'prom-client';
import { LOGS, ParkedDeadLetter, RecordedEvent } from '@headwater/contracts';
import {
  beginVersion,
  CheckpointLost,
  compareVersion,
  dropVersion,
  findOrder,
  isSame,
  listVersions,
  ORDER_READ_MODEL_MIGRATIONS,
  promoteVersion,
  readCheckpoint,
  requestPark,
  rollBackVersion,
} from '@headwater/order-read-model';
import { createPool, migrate } from '@headwater/sql';
import { createTestDatabase, eventually, TestDatabase } from '@headwater/testing';
import { createdEvent, OrderLog } from '@headwater/testing-platform';
import { applyEvents } from './apply-events';
import { FillVersions } from './fill-versions';
import { ProjectionMetrics } from './projection-metrics';
import { RowCache } from './row-cache';

let database: TestDatabase;
let pool: Pool;
let log: OrderLog;
let fillers: { stop: AbortController; done: Promise<void> }[] = [];
const parked: ParkedDeadLetter[] = [];
const ada = { by: 'ada', reason: 'to see' };

beforeEach(async () => {
  [database, log] = await Promise.all([createTestDatabase(), OrderLog.create()]);
  pool = createPool({ url: database.url, applicationName: 'test' });
  await migrate(pool, ORDER_READ_MODEL_MIGRATIONS);
  parked.length = 0;
});

afterEach(async () => {
  fillers.forEach(({ stop }) => stop.abort());
  await Promise.all(fillers.map(({ done }) => done));
  fillers = [];
  await pool.end();
  await Promise.all([database.drop(), log.close()]);
});

function fill(holder = 'one', store: Pick<OrderLog, 'readLog'> = log): AbortController {
  const stop = new AbortController();
  const versions = new FillVersions({
    pool,
    store,
    holder,
    deadLetters: { park: (letter) => Promise.resolve(void parked.push(letter)) },
    defaultCurrency: 'EUR',
    metrics: new ProjectionMetrics(new Registry()),
    log: { info: () => undefined, warn: () => undefined },
  });
  fillers.push({ stop, done: versions.run(stop.signal) });
  return stop;
}

const events = async (after = 0): Promise<RecordedEvent[]> => {
  const all: RecordedEvent[] = [];
  for await (const page of log.readLog(LOGS.orders, { after })) all.push(...page);
  return all;
};

/** What the projection does: the active version, up to the log's end. */
async function project(cache = new RowCache()): Promise<void> {
  const { checkpoint, epoch } = await readCheckpoint(pool);
  await applyEvents(checkpoint, await events(checkpoint), { pool, cache, epoch, defaultCurrency: 'EUR' });
}

async function place(...ids: string[]): Promise<void> {
  for (const id of ids) {
    await log.given(id, createdEvent(id));
    await log.given(id, {
      name: 'paymentdebited',
      data: { order_id: id, customer_id: 'c1', payment_id: 'p', amount: '12.50', currency: 'EUR' },
    });
  }
}

const stateOf = async (version: number): Promise<string | undefined> =>
  (await listVersions(pool)).find((known) => known.version === version)?.state;
const until = (version: number, state: string): Promise<void> =>
  eventually(async () => expect(await stateOf(version)).toBe(state));

test('a version is built from the log, is the same, is switched to and back while orders are read, and is kept up', async () => {
  await place('a', 'b');
  await project();
  fill();
  const { version } = await beginVersion(pool, ada);
  expect(version).toBe(2);
  await until(2, 'ready');
  expect(await compareVersion(pool, 2)).toEqual({
    compared: 2,
    moving: 0,
    different: 0,
    onlyActive: 0,
    onlyOther: 0,
    examples: [],
  });

  let reading = true;
  let reads = 0;
  const positions: number[] = [];
  const reader = (async () => {
    while (reading) {
      expect((await findOrder(pool, 'a'))?.status).toBe('PaymentDebited');
      positions.push((await readCheckpoint(pool)).checkpoint);
      reads++;
    }
  })();
  const stale = { cache: new RowCache(), ...(await readCheckpoint(pool)) };
  await eventually(() => expect(reads).toBeGreaterThan(20));
  expect(await promoteVersion(pool, 2, ada)).toMatchObject({ version: 2, switched: true });
  expect(await promoteVersion(pool, 2, ada)).toMatchObject({ version: 2, switched: false });
  expect(await listVersions(pool)).toMatchObject([
    { version: 1, state: 'previous', changedBy: 'ada', reason: 'to see' },
    { version: 2, state: 'active' },
  ]);

  // Whoever wrote the version before is stopped, and the next writes the new one.
  await place('c');
  const more = await events(stale.checkpoint);
  await expect(
    applyEvents(stale.checkpoint, more, {
      pool,
      cache: stale.cache,
      epoch: stale.epoch,
      defaultCurrency: 'EUR',
    }),
  ).rejects.toThrow(CheckpointLost);
  await project();
  expect((await findOrder(pool, 'c'))?.version).toBe(2);

  expect(await rollBackVersion(pool, { by: 'bob', reason: 'not good' })).toMatchObject({ version: 1 });
  // The way back has everything that came meanwhile.
  expect((await findOrder(pool, 'c'))?.version).toBe(2);
  await expect(rollBackVersion(pool, ada)).rejects.toThrow('no previous version');
  expect(await stateOf(2)).toBe('ready');
  reading = false;
  await reader;
  expect(positions).toEqual([...positions].sort((a, b) => a - b));

  await expect(dropVersion(pool, 1)).rejects.toThrow('the one that is read');
  await dropVersion(pool, 2);
  await dropVersion(pool, 2);
  expect(await listVersions(pool)).toMatchObject([{ version: 1, state: 'active' }]);
});

test('two commands begin one version, and two replicas fill it once, also when one leaves in the middle', async () => {
  await place(...Array.from({ length: 30 }, (_, n) => `o${n}`));
  await project();
  // Small pages, so that it takes its time.
  const slow = {
    async *readLog(name: string, options: { after: number; signal?: AbortSignal }) {
      for await (const page of log.readLog(name, options))
        for (const event of page) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          yield [event];
        }
    },
  } as unknown as Pick<OrderLog, 'readLog'>;
  const begun = await Promise.all([
    beginVersion(pool, ada),
    beginVersion(pool, { by: 'bob', reason: 'too' }),
  ]);
  expect(begun.map(({ version }) => version)).toEqual([2, 2]);
  const first = fill('one', slow);
  await eventually(async () => expect((await listVersions(pool))[1]?.checkpoint).toBeGreaterThan(5));
  fill('two');
  first.abort();
  await until(2, 'ready');
  expect(isSame(await compareVersion(pool, 2))).toBe(true);
  expect((await compareVersion(pool, 2)).compared).toBe(30);
});

test('differences are found, by order and column', async () => {
  await place('a', 'b', 'c');
  await project();
  await pool.query(`UPDATE orders SET amount = amount + 1, status = 'Approved' WHERE order_id = 'b'`);
  await pool.query(`DELETE FROM orders WHERE order_id = 'c'`);
  fill();
  await beginVersion(pool, ada);
  await until(2, 'ready');
  const found = await compareVersion(pool, 2);
  expect(found).toMatchObject({ compared: 2, different: 1, onlyActive: 0, onlyOther: 1 });
  expect(found.examples).toContainEqual({ orderId: 'b', columns: ['status', 'amount'] });
  expect(isSame(found)).toBe(false);
});

test('what one version has not come to yet is no difference', async () => {
  await place('a', 'b');
  fill();
  await beginVersion(pool, ada);
  await until(2, 'ready');
  expect(await compareVersion(pool, 2)).toMatchObject({ moving: 2, different: 0, onlyOther: 0 });
});

test('a version that is behind and not filled is not switched to, and nothing has changed', async () => {
  await place('a');
  await project();
  const stop = fill();
  await beginVersion(pool, ada);
  await expect(promoteVersion(pool, 2, ada)).rejects.toThrow('still being built');
  await until(2, 'ready');
  stop.abort();
  await Promise.all(fillers.map(({ done }) => done));
  await place('b');
  await project();
  await expect(promoteVersion(pool, 2, ada)).rejects.toThrow('2 positions behind');
  expect(await stateOf(1)).toBe('active');
  await place('c');
  await project();
  expect((await findOrder(pool, 'c'))?.version).toBe(2);
});

test('a poison event stops the version and nothing else, until it is left out; then it is left out for good', async () => {
  await place('a');
  await log.append(LOGS.orders, [
    {
      aggregateId: 'bad',
      aggregateType: 'order',
      expected: 'any',
      events: [{ eventId: 'bad-1', eventType: 'ORDERS.created', data: '{"order_id":5}' }],
    },
  ]);
  await place('b');
  fill();
  await beginVersion(pool, ada);
  await eventually(async () =>
    expect((await listVersions(pool))[1]?.stopped).toContain('projections park 3'),
  );
  expect((await readCheckpoint(pool)).stopped).toBeNull();
  await requestPark(pool, { position: 3, ...ada });
  await until(2, 'ready');
  expect(parked).toMatchObject([{ sequence: 3, consumer: 'query-model-worker', reason: 'operator' }]);
  expect((await listVersions(pool))[1]).toMatchObject({ checkpoint: 5, stopped: null });
});
