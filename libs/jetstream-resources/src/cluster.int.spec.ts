import { connect, NatsConnection } from '@nats-io/transport-node';
import { eventually, oldestNatsServer, startTestNatsCluster, TestNats } from '@headwater/testing';
import { converge } from './converge';
import { JetStreamApi } from './jetstream-api';
import { replicasText, StreamInfo } from './jetstream-info';
import { Desired, desiredStream } from './manifest';
import { StreamSpec } from './stream-spec';

const stream = (spec: StreamSpec): Desired => desiredStream(spec, 'me');

describe.each<[name: string, binary: () => Promise<string | undefined>]>([
  ['the pinned nats-server', () => Promise.resolve(process.env['HEADWATER_NATS_SERVER'])],
  ['the oldest nats-server', oldestNatsServer],
])('three of %s', (_server, binary) => {
  let servers: TestNats[] = [];
  let connection: NatsConnection | undefined;
  let api: JetStreamApi;
  let cluster: string;
  beforeAll(async () => {
    const found = await binary();
    if (found === undefined) return;
    servers = await startTestNatsCluster(3, { binary: found });
    connection = await connect({ servers: servers.map(({ url }) => url) });
    api = new JetStreamApi(connection);
    cluster = String(connection.info?.cluster);
    await eventually(() => api.apiLevel());
  }, 300_000);
  afterAll(async () => {
    await connection?.close();
    await Promise.all(servers.map((server) => server.stop()));
  });
  /** Left out where the server can't be had, which the run has said. */
  const proves = (what: string, act: () => Promise<void>): void =>
    test(what, async () => {
      if (connection !== undefined) await act();
      else expect(process.env['E2E_REQUIRE']).not.toBe('1');
    });
  /** A cluster may be without a leader for a moment. */
  const settled = (desired: Desired) =>
    eventually(async () => {
      const result = await converge(api, desired);
      expect(result).toMatchObject({ outcome: 'unchanged' });
      return result;
    });

  proves('placement and replicas change in one edit', async () => {
    await eventually(async () =>
      expect(await converge(api, stream({ name: 'MOVED', subjects: ['MOVED.x'] }))).toMatchObject({
        outcome: 'created',
      }),
    );
    const wanted = stream({ name: 'MOVED', subjects: ['MOVED.x'], replicas: 3, placement: { cluster } });
    const first = await converge(api, wanted);
    expect(['updated', 'waiting']).toContain(first.outcome);
    expect(first.terminal).toBe(false);
    await settled(wanted);
    const { config } = (await api.streamInfo('MOVED')) as StreamInfo;
    expect(config).toMatchObject({ num_replicas: 3, placement: { cluster } });
    await eventually(async () =>
      expect(replicasText((await api.streamInfo('MOVED')) as StreamInfo)).toBe('3/3'),
    );
  });

  proves('more replicas than servers, or a place that is none, is told by field', async () => {
    const many = await converge(api, stream({ name: 'MANY', replicas: 5 }));
    expect(many).toMatchObject({ outcome: 'refused', reason: 'NoPeers', terminal: false });
    expect(many.fields.length).toBeGreaterThan(0);
    const nowhere = await converge(api, stream({ name: 'NOWHERE', placement: { tags: ['moon'] } }));
    expect(nowhere).toMatchObject({ outcome: 'refused', reason: 'NoPeers', fields: ['spec.placement'] });
  });

  proves('a server that is away is seen in the replicas', async () => {
    // Servers need ten seconds to notice; once is enough.
    if (api.serverVersion().startsWith('2.11.')) return expect(cluster).not.toBe('');
    const wanted = stream({ name: 'THREE', replicas: 3 });
    await converge(api, wanted);
    await eventually(async () =>
      expect(replicasText((await api.streamInfo('THREE')) as StreamInfo)).toBe('3/3'),
    );
    const connectedTo = connection?.getServer();
    const other = servers.find(({ url }) => !url.endsWith(String(connectedTo?.split(':').at(-1))));
    await other?.kill();
    await eventually(async () =>
      expect(replicasText((await api.streamInfo('THREE')) as StreamInfo)).toBe('2/3'),
    );
    await settled(wanted);
  });
});
