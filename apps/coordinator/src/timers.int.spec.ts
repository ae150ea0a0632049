import { CONSUMERS, headersOf, LOGS, subjectOf } from '@headwater/contracts';
import { createPool, migrateDatabase } from '@headwater/sql';
import {
  createTestDatabase,
  eventually,
  startSqlFaultProxy,
  startTestNats,
  TestDatabase,
  TestNats,
} from '@headwater/testing';
import { createdEvent, OrderLog } from '@headwater/testing-platform';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, NatsConnection } from '@nats-io/transport-node';
import { Registry } from 'prom-client';
import { Coordinator } from './coordinator';
import { CoordinatorMetrics } from './coordinator-metrics';
import { COORDINATOR_MIGRATIONS } from './migrations';

const PAYMENT_MS = 5_000;
const STEP_MS = 250;
const policy = {
  paymentMs: PAYMENT_MS,
  reviewMs: 600_000,
  voidMs: 600_000,
  voidMostMs: 600_000,
  voidAttempts: 3,
};

let nats: TestNats;
let connection: NatsConnection;
let database: TestDatabase;
let log: OrderLog;
let relayed = 0;
/** The clock of every replica: it stands still but for the steps that the test takes. */
let now = Date.now();

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
  await migrateDatabase(database.url, COORDINATOR_MIGRATIONS);
  log = await OrderLog.create();
});

afterAll(async () => {
  await connection.close();
  await nats.stop();
  await database.drop();
  await log.close();
});

/** A replica at work, and the times it has looked for deadlines that are over. */
async function startReplica(name: string): Promise<{ looks(): number; kill(): Promise<void> }> {
  const proxy = await startSqlFaultProxy(database.url);
  let looks = 0;
  proxy.inject = ({ sql }) => {
    if (sql.includes('FROM deadlines WHERE due_at <=')) looks++;
    return undefined;
  };
  const pool = createPool({ url: proxy.url, applicationName: name, max: 4 });
  const stopping = new AbortController();
  const dependency = { up: () => undefined, down: () => undefined };
  const running = new Coordinator({
    pool,
    store: log,
    nats: connection,
    deadLetters: { park: (letter) => Promise.reject(new Error(letter.error.message)) },
    holder: name,
    policy,
    defaultCurrency: 'EUR',
    metrics: new CoordinatorMetrics(new Registry()),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    deadlines: dependency,
    consumer: dependency,
    deciding: dependency,
    now: () => now,
    gatherMs: 10,
    pollMs: 20,
    leaseMs: 600,
  }).run(stopping.signal);
  return {
    looks: () => looks,
    // As a killed process, it does not free its lease: the other has to wait until that runs out.
    kill: async () => {
      proxy.inject = () => ({ kind: 'cut-before' });
      stopping.abort();
      await running;
      await pool.end();
      await proxy.close();
    },
  };
}

async function relay(): Promise<void> {
  for await (const page of log.readLog(LOGS.orders, { after: relayed })) {
    for (const event of page) {
      const message = headers();
      for (const [name, value] of headersOf(event)) message.set(name, value);
      await jetstream(connection).publish(subjectOf(event.eventType, event.aggregateId), event.data, {
        headers: message,
      });
      relayed = event.position;
    }
  }
}

test('with the replica that works killed again and again, every timer fires once, not before its time and within a second', async () => {
  const replicas = [await startReplica('a'), await startReplica('b')];
  const looks = (): number => replicas.reduce((sum, replica) => sum + replica.looks(), 0);
  /** Everything that is over by now has been decided: somebody has looked, and after that once more. */
  const allLooked = async (): Promise<void> => {
    const before = looks();
    await eventually(() => expect(looks()).toBeGreaterThan(before + 2), 30_000, 10);
  };

  const ids: string[] = [];
  for (let n = 0; n < 24; n++) {
    ids.push(`order-${n}`);
    await log.given(`order-${n}`, createdEvent(`order-${n}`));
    await relay();
    // So that they are due one after the other.
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  const fired = async (): Promise<number> => {
    const names = await Promise.all(ids.map((id) => log.names(id)));
    return names.filter((of) => of.includes('voidrequested')).length;
  };

  let kills = 0;
  await allLooked();
  now = Date.now() + PAYMENT_MS - 4_000;
  const [last] = await log.history(`order-${ids.length - 1}`);
  const lastDue = Date.parse(last!.recordedAt) + PAYMENT_MS;
  for (let step = 0; now < lastDue; step++) {
    await allLooked();
    now += STEP_MS;
    if (step % 5 === 2 && kills < 4) {
      // The one that has looked more is the one that works, or has worked last.
      const [a, b] = replicas;
      const victim = (a?.looks() ?? 0) > (b?.looks() ?? 0) ? 0 : 1;
      await replicas[victim]?.kill();
      kills++;
      replicas[victim] = await startReplica(`replica-${step}`);
    }
  }
  await allLooked();
  expect(await fired()).toBe(ids.length);
  await Promise.all(replicas.map((replica) => replica.kill()));

  for (const id of ids) {
    const [created, requested, ...rest] = await log.history(id);
    expect(rest).toEqual([]);
    expect(requested).toMatchObject({ eventType: 'ORDERS.voidrequested' });
    const { delivery } = requested!.metadata;
    expect(delivery?.receivedAt).toBe(new Date(Date.parse(created!.recordedAt) + PAYMENT_MS).toISOString());
    expect(delivery?.handledMs).toBeGreaterThanOrEqual(0);
    expect(delivery?.handledMs).toBeLessThanOrEqual(1_000);
  }
  expect(kills).toBeGreaterThan(1);
});
