import { CONSUMERS, headersOf, LOGS, OrderEvent, subjectOf } from '@headwater/contracts';
import { createPool, migrateDatabase } from '@headwater/sql';
import {
  createTestDatabase,
  eventually,
  SqlFault,
  SqlFaultProxy,
  startSqlFaultProxy,
  startTestNats,
  TestDatabase,
  TestNats,
} from '@headwater/testing';
import { createdEvent, OrderLog } from '@headwater/testing-platform';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, NatsConnection } from '@nats-io/transport-node';
import type { Pool } from 'pg';
import { Registry } from 'prom-client';
import { Coordinator } from './coordinator';
import { CoordinatorMetrics } from './coordinator-metrics';
import { allDeadlines } from './deadline-rows';
import { COORDINATOR_MIGRATIONS } from './migrations';
import { readProgress } from './progress';
import { rebuildDeadlines } from './record-deadlines';

const policy = { paymentMs: 60_000, reviewMs: 60_000, voidMs: 60_000, voidMostMs: 60_000, voidAttempts: 3 };

let nats: TestNats;
let connection: NatsConnection;
let database: TestDatabase;
let proxy: SqlFaultProxy;
let pool: Pool;
let log: OrderLog;
let relayed = 0;
let orders = 0;
let order: string;
/** Added to the clock of every replica. */
let ahead = 0;

beforeAll(async () => {
  nats = await startTestNats();
  connection = await connect({ servers: nats.url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: LOGS.orders, subjects: ['ORDERS.>'] });
  await manager.consumers.add(LOGS.orders, {
    durable_name: CONSUMERS.coordinator,
    ack_policy: AckPolicy.All,
    max_ack_pending: 10_000,
  });
  database = await createTestDatabase();
  // It also refuses what CockroachDB lacks.
  proxy = await startSqlFaultProxy(database.url);
  await migrateDatabase(proxy.url, COORDINATOR_MIGRATIONS);
  pool = createPool({ url: proxy.url, applicationName: 'test', max: 8 });
  log = await OrderLog.create();
});

afterAll(async () => {
  await connection.close();
  await nats.stop();
  await pool.end();
  await proxy.close();
  await database.drop();
  await log.close();
});

beforeEach(() => {
  order = `order-${++orders}`;
  ahead = 0;
});

/** A replica at work, until it is stopped. */
class Replica {
  readonly metrics = new Registry();
  readonly states = new Map<string, string>();
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;

  constructor(readonly name: string) {
    const dependency = (what: string) => ({
      up: () => void this.states.set(what, 'up'),
      down: (reason: string) => void this.states.set(what, reason),
    });
    this.running = new Coordinator({
      pool,
      store: log,
      nats: connection,
      deadLetters: { park: (letter) => Promise.reject(new Error(letter.error.message)) },
      holder: name,
      policy,
      defaultCurrency: 'EUR',
      metrics: new CoordinatorMetrics(this.metrics),
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      deadlines: dependency('deadlines'),
      consumer: dependency('consumer'),
      deciding: dependency('deciding'),
      now: () => Date.now() + ahead,
      gatherMs: 10,
      pollMs: 20,
      leaseMs: 600,
    }).run(this.stopping.signal);
  }

  async holds(): Promise<boolean> {
    const metric = await this.metrics.getSingleMetric('headwater_coordinator_holder')?.get();
    return metric?.values[0]?.value === 1;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }
}

/** What the relay does; without these positions, if so wished. */
async function relay(lost: (position: number) => boolean = () => false): Promise<void> {
  for await (const page of log.readLog(LOGS.orders, { after: relayed })) {
    for (const event of page) {
      const message = headers();
      for (const [name, value] of headersOf(event)) message.set(name, value);
      // What is lost still has its sequence: somebody else's message.
      await (lost(event.position)
        ? jetstream(connection).publish('ORDERS.created.00', 'not an event')
        : jetstream(connection).publish(subjectOf(event.eventType, event.aggregateId), event.data, {
            headers: message,
          }));
      relayed = event.position;
    }
  }
}

const declined = (): OrderEvent => ({
  name: 'paymentdeclined',
  data: { order_id: order, code: 'no', message: 'no' },
});
const waits = async (): Promise<string[]> =>
  (await allDeadlines(pool)).filter(({ orderId }) => orderId === order).map(({ step }) => step);

test('of two replicas one works; when it stops the other goes on, and every deadline is fired once', async () => {
  const replicas = [new Replica('a'), new Replica('b')];
  const holders = async () => (await Promise.all(replicas.map((one) => one.holds()))).filter(Boolean).length;
  await eventually(async () => expect(await holders()).toBe(1));
  await log.given(order, createdEvent(order));
  await relay();
  await eventually(async () => expect(await waits()).toEqual(['payment']));
  for (const one of replicas) expect([...one.states.values()]).toEqual(['up', 'up', 'up']);

  const first = (await replicas[0]!.holds()) ? 0 : 1;
  await replicas[first]!.stop();
  const other = replicas[1 - first]!;
  await eventually(async () => expect(await other.holds()).toBe(true));
  ahead = 61_000;
  await eventually(async () => expect(await log.names(order)).toEqual(['created', 'voidrequested']));
  await other.stop();
  expect(await log.names(order)).toEqual(['created', 'voidrequested']);
});

test('what the stream does not bring is read from the log, and everything is acked', async () => {
  await log.given(order, createdEvent(order), declined());
  await relay((position) => position === relayed + 1);
  const replica = new Replica('c');
  await eventually(async () =>
    expect(await log.names(order)).toEqual(['created', 'paymentdeclined', 'cancelled']),
  );
  await relay();
  const manager = await jetstreamManager(connection);
  await eventually(async () => {
    const { num_pending, ack_floor } = await manager.consumers.info(LOGS.orders, CONSUMERS.coordinator);
    expect([num_pending, ack_floor.stream_seq]).toEqual([0, relayed]);
    expect(await waits()).toEqual([]);
  });
  await replica.stop();
});

test('made anew while a replica works, the deadlines are complete again', async () => {
  await log.given(order, createdEvent(order));
  await relay();
  const replica = new Replica('d');
  await eventually(async () => expect(await waits()).toEqual(['payment']));
  const { epoch } = await readProgress(pool);
  await rebuildDeadlines(pool);
  // The holder notices at its next transaction.
  const next = `${order}-next`;
  await log.given(next, createdEvent(next));
  await relay();
  await eventually(async () => {
    expect((await readProgress(pool)).epoch).toBeGreaterThan(epoch + 1);
    expect(await waits()).toEqual(['payment']);
    expect((await allDeadlines(pool)).map(({ orderId }) => orderId)).toContain(next);
  });
  await replica.stop();
});

test('a database that breaks at any moment loses nothing and doubles nothing', async () => {
  const faults: SqlFault[] = [
    { kind: 'error', sqlState: '40001' },
    { kind: 'error', sqlState: '53300' },
    { kind: 'error-after', sqlState: '40003' },
    { kind: 'cut-before' },
    { kind: 'cut-after' },
  ];
  let next = 0;
  // A step that has no factor in common with the statements of a round, so that every statement is hit in turn.
  proxy.inject = ({ number }) => (number % 7 === 0 ? faults[next++ % faults.length] : undefined);
  const replica = new Replica('e');
  const ids = Array.from({ length: 12 }, (_, n) => `${order}-${n}`);
  for (const id of ids) {
    order = id;
    await log.given(id, createdEvent(id), declined());
    await relay();
  }
  await eventually(async () => {
    await relay();
    for (const id of ids) expect(await log.names(id)).toEqual(['created', 'paymentdeclined', 'cancelled']);
  });
  proxy.inject = undefined;
  expect(next).toBeGreaterThanOrEqual(faults.length);
  await eventually(async () => {
    await relay();
    expect((await readProgress(pool)).checkpoint).toBe(relayed);
    expect((await allDeadlines(pool)).filter(({ orderId }) => ids.includes(orderId))).toEqual([]);
    expect([...replica.states.values()]).toEqual(['up', 'up', 'up']);
  });
  await replica.stop();
  for (const id of ids) expect(await log.names(id)).toEqual(['created', 'paymentdeclined', 'cancelled']);
});

test('nothing was sent that CockroachDB lacks', () => {
  expect(proxy.exchanges).toBeGreaterThan(50);
  expect(proxy.refused).toEqual([]);
});
