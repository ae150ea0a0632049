import { eventually, startTestNatsCluster, type TestNats } from '@headwater/testing';
import {
  type ControllerWorld,
  describeOnServers,
  type Resources,
  startControllerWorld,
} from '@headwater/testing-controller';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { JetStreamApi } from '@headwater/jetstream-resources';

describeOnServers('a cluster of three servers', (server) => {
  let world: ControllerWorld;
  let servers: TestNats[];
  let resources: Resources;
  let connection: NatsConnection;
  let jetstream: JetStreamApi;

  beforeAll(async () => {
    [world, servers] = await Promise.all([
      startControllerWorld(),
      startTestNatsCluster(3, { binary: await server.binary() }),
    ]);
    const url = servers.map((server) => server.url).join(',');
    await world.start({ natsUrl: url, env: { HEADWATER_FACTS_SECONDS: '1' } });
    resources = await world.namespace();
    connection = await connect({ servers: url.split(','), maxReconnectAttempts: -1 });
    jetstream = new JetStreamApi(connection);
  }, 120_000);

  afterAll(async () => {
    await connection?.close();
    await world?.end();
    await Promise.all((servers ?? []).map((server) => server.stop()));
  }, 60_000);

  test('replicas are scaled up and down, and the status tells who leads and who keeps up', async () => {
    await resources.create('Stream', 'scaled', { name: 'SCALED', subjects: ['scaled.>'], replicas: 1 });
    await resources.untilReady('Stream', 'scaled');
    await resources.patch('Stream', 'scaled', { spec: { replicas: 3 } });
    await eventually(async () => {
      const { status } = await resources.untilReady('Stream', 'scaled');
      expect(status).toMatchObject({ replicas: '3/3', leader: expect.stringContaining('test-') });
    }, 60_000);
    await resources.patch('Stream', 'scaled', { spec: { replicas: 1 } });
    await eventually(async () => {
      await resources.untilReady('Stream', 'scaled');
      expect((await jetstream.streamInfo('SCALED'))?.config['num_replicas']).toBe(1);
    }, 60_000);
  }, 150_000);

  test('placement and replicas may change in one edit', async () => {
    const placement = { tags: ['server:0'] };
    await resources.create('Stream', 'moved', {
      name: 'MOVED',
      subjects: ['moved.>'],
      replicas: 1,
      placement,
    });
    await resources.untilReady('Stream', 'moved');
    await resources.patch('Stream', 'moved', { spec: { replicas: 3, placement: { tags: ['all'] } } });
    await eventually(async () => {
      await resources.untilReady('Stream', 'moved');
      expect((await jetstream.streamInfo('MOVED'))?.config).toMatchObject({
        num_replicas: 3,
        placement: { tags: ['all'] },
      });
    }, 60_000);
    await resources.patch('Stream', 'moved', { spec: { replicas: 1, placement: { tags: ['server:2'] } } });
    await eventually(async () => {
      const { status } = await resources.untilReady('Stream', 'moved');
      expect(status?.['leader']).toMatch(/-2$/);
    }, 60_000);
  }, 150_000);

  test('more replicas than servers is refused with the reason, and heals when they are fewer', async () => {
    await resources.create('Stream', 'many', { name: 'MANY', replicas: 5 });
    await resources.until('Stream', 'many', { Ready: 'False:NoPeers' });
    await resources.patch('Stream', 'many', { spec: { replicas: 3 } });
    await resources.untilReady('Stream', 'many');
  }, 90_000);

  test('a server lost and back: the stream stays, nothing is made anew', async () => {
    await resources.create('Stream', 'steady', { name: 'STEADY', replicas: 3 });
    await resources.untilReady('Stream', 'steady');
    const created = (await jetstream.streamInfo('STEADY'))?.created;
    await servers[0]!.kill();
    await servers[0]!.restart();
    await resources.patch('Stream', 'steady', { spec: { maxMsgs: 3 } });
    await resources.untilReady('Stream', 'steady');
    await eventually(async () => expect((await jetstream.streamInfo('STEADY'))?.created).toBe(created));
  }, 90_000);
});
