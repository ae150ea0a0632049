import {
  createTestDatabase,
  eventually,
  startTestNats,
  startTestNatsCluster,
  TestDatabase,
  TestNats,
} from '@headwater/testing';
import { headers } from '@nats-io/transport-node';
import { allowAppends, digestOf, EventStore, LogRefused } from '@headwater/eventstore';
import { Relay } from './relay';
import { RelayScenario } from '../../test/relay-scenario';
import { repairLog, RepairReport } from './repair-log';

let servers: TestNats[];
let replicas: number;
let database: TestDatabase;
let scenario: RelayScenario;
let relay: Relay;
const start = (): Promise<RelayScenario> =>
  RelayScenario.start(
    database.url,
    servers.map(({ url }) => url),
    { replicas },
  );

/** The same log, carried into a stream that nobody keeps declared and that denies nothing. */
async function unprotected(): Promise<void> {
  await scenario.stop();
  scenario = await start();
  await scenario.manager.streams.delete('ORDERS');
  // The server removes a deleted stream's files a moment after it has answered.
  await eventually(() =>
    scenario.manager.streams.add({ name: 'ORDERS', subjects: ['ORDERS.>'], num_replicas: replicas }),
  );
  relay = scenario.relay();
  await works();
}

const halted = (reason: RegExp) => eventually(() => expect(relay.state().halted).toMatch(reason));
const works = () =>
  eventually(async () => {
    expect(relay.state()).toMatchObject({ holder: true });
    expect(relay.state().halted).toBeUndefined();
    await scenario.expectEqual();
  });
const repair = (rebuildStream = false): Promise<RepairReport> =>
  repairLog({ pool: scenario.pool, nats: scenario.nats, log: 'ORDERS', rebuildStream });
const refused = async (): Promise<string | null> =>
  (await scenario.pool.query<{ refused: string | null }>('SELECT refused FROM logs')).rows[0]!.refused;

// A single server checks the expected sequence before the message id, a replicated stream the other way round.
describe.each([
  ['one server', 1],
  ['a cluster of three', 3],
])('on %s', (_name, size) => {
  beforeAll(async () => {
    replicas = size;
    servers = size === 1 ? [await startTestNats()] : await startTestNatsCluster(size);
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  /** A log of 20 events, carried, on servers that other tests use after it. */
  beforeEach(async () => {
    database = await createTestDatabase();
    scenario = await start();
    scenario.declare();
    relay = scenario.relay();
    await scenario.append(20);
    await eventually(() => scenario.expectEqual());
  });
  afterEach(async () => {
    await scenario.end();
    await database.drop();
  });

  test('a stream whose servers lost everything is filled again', async () => {
    await Promise.all(servers.map((server) => server.kill()));
    await Promise.all(servers.map((server) => server.wipe()));
    await Promise.all(servers.map((server) => server.restart()));
    await works();
  });

  test('a deleted stream is filled again, also while the log is quiet', async () => {
    const { created } = await scenario.manager.streams.info('ORDERS');
    await scenario.manager.streams.delete('ORDERS');
    await works();
    expect((await scenario.manager.streams.info('ORDERS')).created).not.toBe(created);
  });

  test('a stream that is behind is caught up, without touching what it has', async () => {
    await relay.stop();
    await scenario.pool.query('UPDATE relays SET relayed = 20');
    await scenario.append(15);
    await scenario.pool.query('UPDATE relays SET relayed = 35');
    relay = scenario.relay();
    await works();
  });

  test('a purged stream stops the relay, which names the repair; rebuilt, it is filled again', async () => {
    await unprotected();
    await scenario.manager.streams.purge('ORDERS', { keep: 3 });
    await halted(/purged.*headwater log repair ORDERS/);
    expect(await repair()).toMatchObject({ outcome: 'not repaired' });
    expect(await repair(true)).toMatchObject({ outcome: 'stream deleted' });
    scenario.declare();
    await works();
  });

  test('a database older than the stream takes no appends until the missing tail is imported', async () => {
    await relay.stop();
    const before = await scenario.idsInStream(1, 20);
    await scenario.restore(12);
    relay = scenario.relay();
    await halted(/database is older.*headwater log repair ORDERS/);
    expect(await refused()).toMatch(/headwater log repair ORDERS/);
    expect(await repair()).toEqual({ outcome: 'imported', from: 13, to: 20 });
    await works();
    expect(await refused()).toBeNull();
    await scenario.append(5);
    await works();
    expect(await scenario.idsInStream(1, 20)).toEqual(before);
    const { rows } = await scenario.pool.query('SELECT version FROM aggregates WHERE aggregate_id = $1', [
      'order-6',
    ]);
    expect(rows).toEqual([{ version: 3 }]);
  });

  test.each([false, true])(
    'after a restore nothing is appended until a comparison newer than its mark (relay running: %s)',
    async (running) => {
      const store = new EventStore(scenario.pool, { logs: ['ORDERS'] });
      const event = { eventId: 'after-restore', eventType: 'ORDERS.created', data: '{}', metadata: '' };
      const aggregate = {
        aggregateId: 'o',
        aggregateType: 'order',
        expected: 'any' as const,
        events: [event],
      };
      const append = () => store.append({ log: 'ORDERS', aggregates: [aggregate] });
      const mark = () => scenario.pool.query('UPDATE logs SET restore_mark = restore_mark + 1');
      if (running) {
        // The mark of a comparison that had begun before the restore does not count.
        await mark();
        await allowAppends(scenario.pool, 'ORDERS', 0);
        await expect(append()).rejects.toThrow(LogRefused);
      } else {
        await relay.stop();
        await mark();
        await expect(append()).rejects.toThrow(/restored/);
        expect((await store.getLog('ORDERS')).head).toBe(20);
        relay = scenario.relay();
      }
      const { events } = await eventually(append);
      expect(events).toMatchObject([{ position: 21 }]);
      const { rows } = await scenario.pool.query('SELECT restore_mark, compared_mark FROM logs');
      expect(rows).toEqual([{ restore_mark: 1, compared_mark: 1 }]);
      await works();
      await store.close();
    },
  );

  test('a tail whose content is not what its digest was made of is not imported', async () => {
    await relay.stop();
    await scenario.restore(12);
    const genuine = await scenario.manager.streams.getMessage('ORDERS', { seq: 20 });
    await unprotected();
    expect(genuine?.header.get('ce-digest')).toMatch(/^[0-9a-f]{64}$/);
    await relay.stop();
    const altered = headers();
    for (const [name, values] of genuine?.header ?? [])
      if (name.startsWith('ce-')) for (const value of values) altered.set(name, value);
    altered.set('ce-position', '13');
    altered.set('ce-version', '1');
    altered.set('ce-subject', 'order-new');
    altered.set('ce-digest', digestOf('ORDERS', 'ORDERS.created', 'order-new', 'order', '{"amount":1}'));
    const stream = scenario.manager.jetstream();
    await stream.publish('ORDERS.created.01', '{"amount":1000}', { headers: altered });
    await expect(repair()).rejects.toThrow(
      /position 13 of ORDERS, the event first-20, is not what its digest/,
    );
    const { rows } = await scenario.pool.query('SELECT head FROM logs');
    expect(rows).toEqual([{ head: 12 }]);
  });

  test('another event at a position stops the relay; the stream is rebuilt from the log on request', async () => {
    await relay.stop();
    await scenario.restore(12);
    await scenario.append(10, 'second');
    relay = scenario.relay();
    await halted(/sequence 1[23] .*holds the event first-13, but the log has the event second-13/);
    expect(await repair()).toMatchObject({ outcome: 'not repaired' });
    expect(await repair(true)).toMatchObject({ outcome: 'stream deleted' });
    await works();
  });

  test.each([false, true])("somebody else's message stops the relay (relay running: %s)", async (running) => {
    if (!running) await relay.stop();
    await scenario.manager.jetstream().publish('ORDERS.created.01', '{}');
    await scenario.append(300);
    if (!running) relay = scenario.relay();
    await halted(
      /sequence 21 .*holds a message of ORDERS\.created\.01 that is no event.*headwater log repair ORDERS/,
    );
    expect(await refused()).toBeNull();
    expect(await repair(true)).toMatchObject({ outcome: 'stream deleted' });
    await works();
  });

  test('a foreign message behind the head of a quiet log is seen too', async () => {
    await scenario.manager.jetstream().publish('ORDERS.created.01', '{}');
    await halted(/log ends at 20: somebody else has published/);
  });

  test('a configuration that breaks the equality stops the relay, and its correction is noticed', async () => {
    await unprotected();
    await scenario.manager.streams.update('ORDERS', { subjects: ['ORDERS.created.*'] });
    await halted(/subjects are \["ORDERS\.created\.\*"\] instead/);
    await scenario.append(4);
    await scenario.manager.streams.update('ORDERS', { subjects: ['ORDERS.>'] });
    await works();
    await scenario.manager.streams.add({ name: 'OTHER', subjects: ['other'] });
    await scenario.manager.streams.update('ORDERS', { sources: [{ name: 'OTHER' }] });
    await halted(/it has sources/);
    await scenario.manager.streams.delete('OTHER');
  });
});
