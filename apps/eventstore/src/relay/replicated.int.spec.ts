import {
  createTestDatabase,
  eventually,
  startTestNatsCluster,
  TestDatabase,
  TestNats,
} from '@headwater/testing';
import { RelayScenario } from '../../test/relay-scenario';

/** A cluster answers differently: message ids are checked before sequences, and a leader may change. */
let servers: TestNats[];
let database: TestDatabase;
let scenario: RelayScenario;
beforeEach(async () => {
  [servers, database] = await Promise.all([startTestNatsCluster(3), createTestDatabase()]);
  scenario = await RelayScenario.start(
    database.url,
    servers.map(({ url }) => url),
    { replicas: 3 },
  );
  scenario.declare();
});
afterEach(async () => {
  await scenario.stop();
  await Promise.all(servers.map((server) => server.stop()));
  await database.drop();
});

const equal = () => eventually(() => scenario.expectEqual(), 45_000, 100);

test('a replicated stream equals the log when its servers are killed one after another', async () => {
  scenario.relay();
  await scenario.append(500);
  await equal();
  for (const server of servers) {
    await scenario.append(1500);
    await server.kill();
    await scenario.append(100);
    await server.restart();
  }
  await equal();
}, 120_000);

test('rivals, repetitions within the duplicate window, and a deleted stream', async () => {
  scenario.relay();
  scenario.relay();
  scenario.steal(50, ', relayed = greatest(0, relayed - 50)');
  for (let round = 0; round < 5; round++) await scenario.append(200);
  scenario.stopStealing();
  await equal();
  await scenario.manager.streams.delete('ORDERS');
  await equal();
  expect(scenario.states.filter(({ halted }) => halted !== undefined)).toEqual([]);
}, 120_000);

test("a server that lost everything, a database that is older, somebody else's message", async () => {
  const relay = scenario.relay();
  await scenario.append(300);
  await equal();
  await servers[0]!.kill();
  await servers[0]!.wipe();
  await servers[0]!.restart();
  await scenario.append(100);
  await equal();
  await relay.stop();
  await scenario.restore(250);
  const second = scenario.relay();
  await eventually(() =>
    expect(second.state().halted).toMatch(/the stream ORDERS is at 400, its log only at 250/),
  );
  await second.stop();
  await scenario.append(160, 'second');
  const third = scenario.relay();
  await eventually(() => expect(third.state().halted).toMatch(/holds the event first-/));
}, 120_000);
