import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { join } from 'node:path';
import { createTestDatabase, eventually, startTestNats, TestDatabase, TestNats } from '@headwater/testing';
import { apply, readManifests } from '@headwater/jetstream-resources';
import { RelayScenario } from '../../test/relay-scenario';
import { repairLog } from './repair-log';

let server: TestNats;
let database: TestDatabase;
let violations: string[];
beforeAll(async () => {
  server = await startTestNats({ passwords: { eventstore: 'e', declarations: 'd', review: 'r' } });
  database = await createTestDatabase();
  violations = [];
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});

const as = (user: string) => ({ user, pass: user[0]!, inboxPrefix: `_INBOX_${user}` });

test('the relay needs no more than its user may, and nobody else publishes events', async () => {
  const declarations = await connect({ servers: server.url, ...as('declarations') });
  const worker = await connect({ servers: server.url, ...as('review') });
  const scenario = await RelayScenario.start(database.url, server.url, { connection: as('eventstore') });
  void (async () => {
    for await (const status of scenario.nats.status()) {
      if (status.type === 'error') violations.push(status.error.message);
    }
  })();
  try {
    await apply(declarations, await readManifests([join(__dirname, '../../../../k8s/jetstream')]));
    await scenario.append(100);
    const relay = scenario.relay();
    await eventually(() => scenario.expectEqual());
    await expect(worker.request('ORDERS.approved.01', '{}', { timeout: 2000 })).rejects.toThrow(
      /permissions/i,
    );

    // A limit that drops messages makes the relay look at the consumers' ack floors.
    const manager = await jetstreamManager(declarations);
    await manager.streams.update('ORDERS', { max_msgs: 10 });
    await relay.stop();
    const again = scenario.relay();
    await eventually(() => expect(again.state().halted).toMatch(/a limit has removed what it needs/));
    const repaired = await repairLog({
      pool: scenario.pool,
      nats: declarations,
      log: 'ORDERS',
      rebuildStream: true,
    });
    expect(repaired).toMatchObject({ outcome: 'stream deleted' });
    await apply(declarations, await readManifests([join(__dirname, '../../../../k8s/jetstream')]));
    await eventually(() => scenario.expectEqual());
    expect(violations).toEqual([]);
  } finally {
    await scenario.stop();
    await worker.close();
    await declarations.close();
  }
});
