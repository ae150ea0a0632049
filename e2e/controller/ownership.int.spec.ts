import { eventually } from '@headwater/testing';
import {
  describeOnServers,
  type ControllerProcess,
  type ControllerWorld,
  type Resources,
  startControllerWorld,
} from '@headwater/testing-controller';

const OWNER = 'headwater.dev/owner';

describeOnServers('one object of JetStream has one owner', (server) => {
  let world: ControllerWorld;
  let controller: ControllerProcess;
  let resources: Resources;

  beforeAll(async () => {
    world = await startControllerWorld({ nats: { binary: await server.binary() } });
    controller = await world.start({ env: { HEADWATER_CLUSTER_ID: 'here', HEADWATER_FACTS_SECONDS: '1' } });
    resources = await world.namespace();
  }, 120_000);

  afterAll(() => world?.end(), 60_000);

  const make = (name: string, more: object = {}) =>
    world.jetstream.writeStream(name, { name, ...more }, 'create');
  const stream = async (name: string) => {
    const info = await world.jetstream.streamInfo(name);
    if (!info) throw new Error(`there is no stream ${name}`);
    return info;
  };
  const ownerOf = async (name: string): Promise<unknown> =>
    ((await stream(name)).config['metadata'] as Record<string, unknown> | undefined)?.[OWNER];

  test('a stream that is there already is adopted with its messages, or left alone, as the policy says', async () => {
    for (const name of ['PLAIN', 'KEPT']) await make(name, { subjects: [`${name}.>`], max_msgs: 9 });
    world.connection.publish('PLAIN.1', 'stays');
    await world.connection.flush();
    const { created } = await stream('PLAIN');

    await resources.create('Stream', 'plain', { name: 'PLAIN', subjects: ['PLAIN.>'], maxMsgs: 10 });
    await resources.untilReady('Stream', 'plain');
    const adopted = await stream('PLAIN');
    expect([adopted.created, adopted.state.messages, adopted.config['max_msgs']]).toEqual([created, 1, 10]);
    expect(await ownerOf('PLAIN')).toBe(`here/${resources.namespace}/plain`);

    await resources.create('Stream', 'kept', { name: 'KEPT', maxMsgs: 10, adoptionPolicy: 'Never' });
    await resources.until('Stream', 'kept', { Ready: 'False:NotAdopted', Stalled: 'True' });
    expect((await stream('KEPT')).config['max_msgs']).toBe(9);
  });

  test("another owner's stream is a conflict, unless it is to be taken", async () => {
    await make('THEIRS', { max_msgs: 9, metadata: { [OWNER]: 'elsewhere/ns/name' } });
    await resources.create('Stream', 'theirs', { name: 'THEIRS', maxMsgs: 10 });
    await resources.until('Stream', 'theirs', { Ready: 'False:Conflict', Stalled: 'True' });
    expect(await resources.messageOf('Stream', 'theirs')).toContain('elsewhere/ns/name');
    expect((await stream('THEIRS')).config['max_msgs']).toBe(9);
    await resources.patch('Stream', 'theirs', { spec: { adoptionPolicy: 'Always' } });
    await resources.untilReady('Stream', 'theirs');
    expect((await stream('THEIRS')).config['max_msgs']).toBe(10);
  });

  test('of two resources for one stream the older has it; the other neither writes nor deletes, and follows it', async () => {
    await resources.create('Stream', 'elder', { name: 'SHARED', maxMsgs: 1 });
    await resources.untilReady('Stream', 'elder');
    // Creation times have whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await resources.create('Stream', 'younger', { name: 'SHARED', maxMsgs: 2, deletionPolicy: 'Delete' });
    await resources.until('Stream', 'younger', { Ready: 'False:Conflict', Stalled: 'True' });
    expect(await resources.messageOf('Stream', 'younger')).toContain(`${resources.namespace}/elder`);
    expect((await stream('SHARED')).config['max_msgs']).toBe(1);

    await resources.delete('Stream', 'younger');
    await resources.untilGone('Stream', 'younger');
    expect((await stream('SHARED')).config['max_msgs']).toBe(1);

    await resources.create('Stream', 'younger', { name: 'SHARED', maxMsgs: 2 });
    await resources.until('Stream', 'younger', { Ready: 'False:Conflict' });
    await resources.delete('Stream', 'elder');
    await resources.untilReady('Stream', 'younger');
    expect((await stream('SHARED')).config['max_msgs']).toBe(2);
    expect(await ownerOf('SHARED')).toBe(`here/${resources.namespace}/younger`);
  });

  test('Retain leaves the stream; the same resource made again takes it up', async () => {
    await resources.create('Stream', 'retained', { name: 'RETAINED', subjects: ['retained.>'] });
    const { metadata } = await resources.untilReady('Stream', 'retained');
    expect(metadata.finalizers ?? []).toEqual([]);
    world.connection.publish('retained.1', 'stays');
    await world.connection.flush();
    const { created } = await stream('RETAINED');
    await resources.delete('Stream', 'retained');
    await resources.untilGone('Stream', 'retained');
    expect((await stream('RETAINED')).state.messages).toBe(1);
    await resources.create('Stream', 'retained', {
      name: 'RETAINED',
      subjects: ['retained.>'],
      adoptionPolicy: 'Never',
    });
    const again = await resources.untilReady('Stream', 'retained');
    expect(again.status?.['created']).toBe(created);
  });

  test('Delete deletes, a stream with messages only when it is forced, and says what hangs on it', async () => {
    await resources.create('Stream', 'full', {
      name: 'FULL',
      subjects: ['full.>'],
      deletionPolicy: 'Delete',
    });
    await resources.create('Consumer', 'full-worker', { streamName: 'FULL', durableName: 'full-worker' });
    await resources.untilReady('Consumer', 'full-worker');
    world.connection.publish('full.1', 'precious');
    await world.connection.flush();
    await resources.delete('Stream', 'full');
    await resources.until('Stream', 'full', { Ready: 'False:HasMessages' });
    expect(await resources.messageOf('Stream', 'full')).toMatch(/1 messages.*full-worker/);
    expect((await stream('FULL')).state.messages).toBe(1);
    await resources.patch('Stream', 'full', {
      metadata: { annotations: { 'jetstream.headwater.dev/force-delete': 'true' } },
    });
    await resources.untilGone('Stream', 'full');
    expect(await world.jetstream.streamInfo('FULL')).toBeUndefined();
    await resources.until('Consumer', 'full-worker', { Ready: 'False:StreamNotReady' });
  });

  test('switching to Retain lets an object go that could not be deleted', async () => {
    await resources.create('Stream', 'switch', {
      name: 'SWITCH',
      subjects: ['switch.>'],
      deletionPolicy: 'Delete',
    });
    await resources.untilReady('Stream', 'switch');
    world.connection.publish('switch.1', 'stays');
    await world.connection.flush();
    await resources.delete('Stream', 'switch');
    await resources.until('Stream', 'switch', { Ready: 'False:HasMessages' });
    await resources.patch('Stream', 'switch', { spec: { deletionPolicy: 'Retain' } });
    await resources.untilGone('Stream', 'switch');
    expect((await stream('SWITCH')).state.messages).toBe(1);
  });

  test('uninstalled and installed again: nothing hangs, nothing is made anew', async () => {
    await resources.create('Stream', 'stay', { name: 'STAY', subjects: ['stay.>'] });
    await resources.create('Consumer', 'stay-worker', { streamName: 'STAY', durableName: 'stay-worker' });
    await resources.untilReady('Consumer', 'stay-worker');
    const before = [
      (await stream('STAY')).created,
      (await world.jetstream.consumerInfo('STAY', 'stay-worker'))?.created,
    ];
    // Helm removes the controller first.
    expect(await controller.stop()).toBe(0);
    await resources.delete('Consumer', 'stay-worker');
    await resources.delete('Stream', 'stay');
    await resources.untilGone('Stream', 'stay');
    await resources.untilGone('Consumer', 'stay-worker');
    controller = await world.start({ env: { HEADWATER_CLUSTER_ID: 'here' } });
    await resources.create('Stream', 'stay', { name: 'STAY', subjects: ['stay.>'] });
    await resources.create('Consumer', 'stay-worker', { streamName: 'STAY', durableName: 'stay-worker' });
    await resources.untilReady('Consumer', 'stay-worker');
    await resources.untilReady('Stream', 'stay');
    const after = [
      (await stream('STAY')).created,
      (await world.jetstream.consumerInfo('STAY', 'stay-worker'))?.created,
    ];
    expect(after).toEqual(before);
  });

  test('a controller that dies between its write to NATS and its status leaves nothing half done', async () => {
    // May read and watch, and may not write statuses: the write to NATS is done, the status never is.
    const half = await world.plane.serviceAccount(resources.namespace, 'half');
    await controller.stop();
    for (const [kind, body] of Object.entries({
      clusterroles: {
        kind: 'ClusterRole',
        metadata: { name: 'half' },
        rules: [
          { apiGroups: ['jetstream.headwater.dev'], resources: ['*'], verbs: ['get', 'list', 'watch'] },
          { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['*'] },
          { apiGroups: [''], resources: ['configmaps', 'namespaces'], verbs: ['get', 'list', 'watch'] },
        ],
      },
      clusterrolebindings: {
        kind: 'ClusterRoleBinding',
        metadata: { name: 'half' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'half' },
        subjects: [{ kind: 'ServiceAccount', name: 'half', namespace: resources.namespace }],
      },
    })) {
      await world.plane.request({
        method: 'POST',
        path: `/apis/rbac.authorization.k8s.io/v1/${kind}`,
        body: { apiVersion: 'rbac.authorization.k8s.io/v1', ...body },
      });
    }
    const cut = await world.start({ access: half, env: { HEADWATER_CLUSTER_ID: 'here' } });
    await resources.create('Stream', 'half', { name: 'HALF', subjects: ['half.>'], adoptionPolicy: 'Never' });
    await eventually(() => stream('HALF'));
    const { created } = await stream('HALF');
    expect((await resources.get('Stream', 'half'))?.status).toBeUndefined();
    await cut.kill();
    controller = await world.start({ env: { HEADWATER_CLUSTER_ID: 'here' } });
    const { status } = await resources.untilReady('Stream', 'half');
    expect(status?.['created']).toBe(created);
    expect((await stream('HALF')).created).toBe(created);
  }, 120_000);
});
