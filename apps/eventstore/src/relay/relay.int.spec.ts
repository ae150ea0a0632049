import { Registry } from 'prom-client';
import { connect } from '@nats-io/transport-node';
import { relayWakeSubject, subjectOf } from '@headwater/contracts';
import { digestOf, LoggedEvent } from '@headwater/eventstore';
import {
  createTestDatabase,
  eventually,
  startTestNats,
  startTestPostgres,
  TestDatabase,
  TestNats,
} from '@headwater/testing';
import { RelayScenario } from '../../test/relay-scenario';
import { PublishWindow } from './publish-window';

let server: TestNats;
let database: TestDatabase;
let scenario: RelayScenario;
beforeAll(async () => {
  server = await startTestNats();
});
afterAll(() => server.stop());

/** A log and its stream for each test, on a server that the tests of this file use one after another. */
beforeEach(async () => {
  database = await createTestDatabase();
  scenario = await RelayScenario.start(database.url, server.url);
});
afterEach(async () => {
  server.signal('SIGCONT');
  await scenario.end();
  await database.drop();
});

const relayed = (position: number) =>
  eventually(async () => {
    const { rows } = await scenario.pool.query('SELECT relayed FROM relays');
    expect(rows).toEqual([{ relayed: position }]);
  });

test('every event becomes the message of its position, with its id, subject and headers', async () => {
  scenario.declare();
  await scenario.append(1000);
  const relay = scenario.relay();
  await eventually(() => scenario.expectEqual());
  await scenario.append(7);
  await eventually(() => scenario.expectEqual());
  await relayed(1007);
  const message = await scenario.manager.streams.getMessage('ORDERS', { seq: 5 });
  expect(message?.subject).toBe(subjectOf('ORDERS.created', 'order-1'));
  expect(message?.header.get('ce-position')).toBe('5');
  expect(message?.header.get('ce-correlationid')).toBe('c-order-1');
  const data = message?.string() ?? '';
  expect(message?.header.get('ce-digest')).toBe(
    digestOf('ORDERS', 'ORDERS.created', 'order-1', 'order', data),
  );
  expect(message?.json()).toMatchObject({ order_id: 'order-1' });
  expect(relay.state()).toMatchObject({ relayed: 1007, head: 1007, holder: true });
});

test('a log without partitions keeps the bare event types', async () => {
  scenario.declare();
  await scenario.append(3);
  scenario.relay({ partitions: 0 });
  await eventually(() => scenario.expectEqual());
  expect((await scenario.manager.streams.getMessage('ORDERS', { seq: 1 }))?.subject).toBe('ORDERS.created');
});

test('polling alone suffices, and a ping of another replica is answered', async () => {
  scenario.declare();
  const relay = scenario.relay();
  await eventually(() => expect(relay.state().holder).toBe(true));
  await scenario.append(1);
  await eventually(() => scenario.expectEqual());
  const other = await connect({ servers: server.url });
  await scenario.append(1);
  other.publish(relayWakeSubject('ORDERS'));
  await eventually(() => scenario.expectEqual());
  await other.close();
});

test('without JetStream or stream it waits, says so, shows its lag, and goes on by itself', async () => {
  const metrics = new Registry();
  await scenario.append(20);
  const relay = scenario.relay({ metrics });
  await eventually(() => expect(relay.state().waiting).toContain('the stream ORDERS does not exist'));
  await eventually(() => expect(relay.state()).toMatchObject({ head: 20, relayed: 0 }));
  await eventually(() => expect(relay.state().lagSeconds).toBeGreaterThan(0));
  expect(await metrics.getSingleMetricAsString('headwater_relay_lag_events')).toContain('{log="ORDERS"} 20');
  await server.kill();
  await scenario.append(20);
  await eventually(() => expect(relay.state().waiting).toContain('JetStream is away'));
  await server.restart();
  scenario.declare();
  await eventually(() => scenario.expectEqual());
  await eventually(() => expect(relay.state()).toMatchObject({ relayed: 40, lagSeconds: 0 }));
  expect(relay.state().waiting).toBeUndefined();
});

test('a server that is killed again and again in the middle loses nothing', async () => {
  scenario.declare();
  const relay = scenario.relay();
  for (let round = 0; round < 3; round++) {
    await scenario.append(3000);
    await eventually(() => expect(relay.state().relayed).toBeGreaterThan(round * 3000 + 100));
    await server.kill();
    await server.restart();
  }
  await eventually(() => expect(relay.state().relayed).toBe(9000));
  await scenario.expectEqual();
});

test('a server that stops answering is waited for, and acks that were lost change nothing', async () => {
  scenario.declare();
  const relay = scenario.relay();
  await scenario.append(10);
  await eventually(() => scenario.expectEqual());
  server.signal('SIGSTOP');
  await scenario.append(500);
  await eventually(() => expect(relay.state().head).toBe(510));
  await relay.stop();
  const { rows } = await scenario.pool.query('SELECT holder FROM relays');
  expect(rows).toEqual([{ holder: null }]);
  server.signal('SIGCONT');
  scenario.relay();
  await eventually(() => scenario.expectEqual());
});

test('while the server answers nothing, waiting for answers or for room ends all the same', async () => {
  server.signal('SIGSTOP');
  const stopping = new AbortController();
  const window = new PublishWindow({
    nats: scenario.nats,
    log: 'ORDERS',
    inboxPrefix: undefined,
    from: 0,
    signal: stopping.signal,
  });
  for (let position = 1; position <= 256; position++) window.publish('ORDERS.created', eventAt(position));
  // Often, because what made it hang was a timer that fired a fraction of a millisecond before its time.
  for (let round = 0; round < 1000; round++) await window.settled(1);
  expect(window.full).toBe(true);
  const room = window.room();
  stopping.abort();
  await room;
  window.close();
  expect(window).toMatchObject({ acked: 0, last: 256 });
});

const eventAt = (position: number): LoggedEvent => ({
  digest: 'd',
  event: {
    log: 'ORDERS',
    position,
    eventId: `e-${position}`,
    eventType: 'ORDERS.created',
    aggregateId: 'o',
    aggregateType: 'order',
    version: position,
    data: '{}',
    metadata: {},
    recordedAt: new Date(0).toISOString(),
  },
});

test('two relays at once, one of which has lost its lease without knowing, interleave nothing', async () => {
  scenario.declare();
  scenario.relay();
  scenario.relay();
  scenario.steal(40);
  for (let round = 0; round < 10; round++) await scenario.append(300);
  await eventually(async () => {
    const { rows } = await scenario.pool.query<{ epoch: number }>('SELECT epoch FROM relays');
    expect(rows[0]?.epoch).toBeGreaterThan(5);
  });
  scenario.stopStealing();
  await eventually(() => scenario.expectEqual());
  expect(scenario.states.filter(({ halted }) => halted !== undefined)).toEqual([]);
});

test('a killed relay is replaced by the other replica', async () => {
  scenario.declare();
  // A dead holder, as SIGKILL leaves it.
  await scenario.pool.query(
    "INSERT INTO relays (log, holder, until) VALUES ('ORDERS', 'dead', now() + interval '1 second')",
  );
  await scenario.append(5);
  const relay = scenario.relay();
  await eventually(() => scenario.expectEqual());
  expect(relay.state().holder).toBe(true);
});

test('a database that is killed again and again in the middle loses and doubles nothing', async () => {
  const postgres = await startTestPostgres();
  let cut: RelayScenario | undefined;
  try {
    cut = await RelayScenario.start(postgres.url, server.url);
    const { states } = cut;
    cut.declare();
    const relay = cut.relay();
    for (let round = 1; round <= 3; round++) {
      await cut.append(2000);
      await eventually(() => expect(relay.state().relayed).toBeGreaterThan((round - 1) * 2000 + 50));
      await postgres.kill();
      if (round === 2)
        await eventually(() => expect(relay.state().waiting).toContain('the database is away'));
      await postgres.restart();
    }
    await eventually(() => cut?.expectEqual());
    expect(states.at(-1)).toMatchObject({ holder: true });
    expect(states.filter(({ halted }) => halted !== undefined)).toEqual([]);
  } finally {
    await cut?.stop();
    await postgres.stop();
  }
});
