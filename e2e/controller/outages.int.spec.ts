import {
  describeWithControlPlane,
  eventually,
  startTcpProxy,
  startTestNats,
  type TestNats,
} from '@headwater/testing';
import {
  type ControllerProcess,
  type ControllerWorld,
  type Resources,
  startControllerWorld,
} from '@headwater/testing-controller';

describeWithControlPlane('outages', () => {
  let world: ControllerWorld;
  let controller: ControllerProcess;
  let resources: Resources;
  let other: TestNats;

  beforeAll(async () => {
    [world, other] = await Promise.all([startControllerWorld(), startTestNats()]);
    resources = await world.namespace();
  }, 120_000);

  afterEach(async () => {
    if (controller?.running) expect(await controller.stop()).toBe(0);
  });

  afterAll(async () => {
    await world?.end();
    await other?.stop();
  }, 60_000);

  test('NATS away: its objects say so, others go on, a deletion waits; back: all is caught up', async () => {
    controller = await world.start({ env: { HEADWATER_FACTS_SECONDS: '1' } });
    await resources.create('Connection', 'other', { servers: [other.url] });
    await resources.create('Stream', 'here', { name: 'HERE' });
    await resources.create('Stream', 'bound', { name: 'BOUND', deletionPolicy: 'Delete' });
    await resources.create('Stream', 'there', { name: 'THERE', connection: { name: 'other' } });
    for (const name of ['here', 'bound', 'there']) await resources.untilReady('Stream', name);
    await resources.until('Connection', 'other', { Ready: 'True:Connected' });

    await world.nats.kill();
    await resources.until('Stream', 'here', { Ready: 'Unknown', Connected: 'False' });
    await resources.delete('Stream', 'bound');
    await resources.until('Stream', 'bound', { Connected: 'False' });
    expect(await resources.messageOf('Stream', 'bound')).toContain("can't be deleted");
    await resources.create('Stream', 'new', { name: 'NEW' });
    await resources.patch('Stream', 'here', { spec: { maxMsgs: 5 } });
    // The other server's objects are not held up.
    await resources.create('Stream', 'there-too', { name: 'THERE-TOO', connection: { name: 'other' } });
    await resources.untilReady('Stream', 'there-too');
    await resources.untilReady('Stream', 'there');

    await world.nats.restart();
    await resources.untilReady('Stream', 'new');
    await resources.untilReady('Stream', 'here');
    await resources.untilGone('Stream', 'bound');
    // Our own connection comes back by itself too.
    await eventually(async () =>
      expect((await world.jetstream.streamInfo('HERE'))?.config['max_msgs']).toBe(5),
    );
    expect(await world.jetstream.streamInfo('BOUND')).toBeUndefined();
  }, 120_000);

  test('what was changed by hand while the controller had no connection is found when it is back', async () => {
    const proxy = await startTcpProxy(world.nats.port);
    controller = await world.start({ natsUrl: `nats://127.0.0.1:${proxy.port}` });
    await resources.create('Stream', 'unseen', { name: 'UNSEEN', maxMsgs: 10 });
    await resources.create('Consumer', 'unseen-worker', {
      streamName: 'UNSEEN',
      durableName: 'unseen-worker',
    });
    await resources.untilReady('Consumer', 'unseen-worker');
    proxy.freezeAll();
    const held = (await world.jetstream.streamInfo('UNSEEN'))!.config;
    await world.jetstream.writeStream('UNSEEN', { ...held, max_msgs: 3 }, 'update');
    await world.jetstream.deleteConsumer('UNSEEN', 'unseen-worker');
    proxy.cutAll();
    proxy.thaw();
    await eventually(async () =>
      expect((await world.jetstream.streamInfo('UNSEEN'))?.config['max_msgs']).toBe(10),
    );
    await eventually(async () =>
      expect(await world.jetstream.consumerInfo('UNSEEN', 'unseen-worker')).toBeDefined(),
    );
    await controller.stop();
    await proxy.close();
  }, 90_000);

  test('the API server is killed and comes back: the work goes on', async () => {
    controller = await world.start();
    await resources.create('Stream', 'before', { name: 'BEFORE' });
    await resources.untilReady('Stream', 'before');
    await world.plane.kill();
    await world.plane.restart();
    await resources.create('Stream', 'after', { name: 'AFTER' });
    await resources.untilReady('Stream', 'after');
    await resources.patch('Stream', 'before', { spec: { maxMsgs: 4 } });
    await resources.untilReady('Stream', 'before');
    expect((await world.jetstream.streamInfo('BEFORE'))?.config['max_msgs']).toBe(4);
    expect(controller.running).toBe(true);
  }, 120_000);

  test('an API server that forgets its history (410) costs a list, and no change is missed', async () => {
    controller = await world.start();
    await resources.create('Stream', 'history', { name: 'HISTORY' });
    await resources.untilReady('Stream', 'history');
    await world.plane.kill();
    await world.plane.restart();
    await resources.patch('Stream', 'history', { spec: { maxMsgs: 8 } });
    await world.plane.compact();
    await resources.untilReady('Stream', 'history');
    expect((await world.jetstream.streamInfo('HISTORY'))?.config['max_msgs']).toBe(8);
  }, 120_000);
});
