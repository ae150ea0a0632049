import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, ManagedProcess, natsServerSpec, renderNatsConfig } from '@headwater/embedded';
import { connect, NatsConnection } from '@nats-io/transport-node';
import { eventually } from '@headwater/testing';
import { converge } from './converge';
import { JetStreamApi } from './jetstream-api';
import { desiredConsumer, desiredStream } from './manifest';

/** A server whose administrator allows less than what is usual. */
const LIMITS = 'limits: { max_ack_pending: 500, duplicate_window: "30s" }';

let folder: string;
let server: ManagedProcess;
let connection: NatsConnection;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-limits-'));
  const port = await freePort();
  const config = renderNatsConfig({ serverName: 'limited', port, storeDir: join(folder, 'store') });
  await writeFile(join(folder, 'nats.conf'), config.replace('jetstream: {', `jetstream: { ${LIMITS},`));
  server = ManagedProcess.start(
    natsServerSpec(String(process.env['HEADWATER_NATS_SERVER']), join(folder, 'nats.conf')),
  );
  connection = await eventually(() => connect({ servers: `127.0.0.1:${port}` }));
});
afterAll(async () => {
  await connection.close();
  await server.stop();
  await rm(folder, { recursive: true });
});

test('what a server chooses within its own limits is learnt, and is no difference then', async () => {
  const api = new JetStreamApi(connection);
  const stream = desiredStream({ name: 'LIMITED' }, 'me');
  const consumer = desiredConsumer({ streamName: 'LIMITED', durableName: 'c' }, 'me');
  expect(await converge(api, stream)).toMatchObject({ outcome: 'created' });
  expect(await converge(api, consumer)).toMatchObject({ outcome: 'created' });
  expect((await api.consumerInfo('LIMITED', 'c'))?.config['max_ack_pending']).toBe(500);
  expect(await converge(api, stream)).toMatchObject({ outcome: 'unchanged' });
  expect(await converge(api, consumer)).toMatchObject({ outcome: 'unchanged' });

  // A process that has just started has to learn it once; the second object of that kind is known already.
  const other = new JetStreamApi(connection);
  expect(await converge(other, consumer)).toMatchObject({ outcome: 'updated' });
  expect(await converge(other, consumer)).toMatchObject({ outcome: 'unchanged' });

  const more = desiredConsumer({ streamName: 'LIMITED', durableName: 'd', maxAckPending: 900 }, 'me');
  expect(await converge(api, more)).toMatchObject({
    outcome: 'refused',
    terminal: true,
    fields: ['spec.maxAckPending'],
  });
});
