import { describeWithControlPlane, eventually, startTcpProxy } from '@headwater/testing';
import {
  type ControllerProcess,
  type ControllerWorld,
  type Resources,
  startControllerWorld,
} from '@headwater/testing-controller';

describeWithControlPlane('replicas', () => {
  let world: ControllerWorld;
  let resources: Resources;

  beforeAll(async () => {
    world = await startControllerWorld();
    resources = await world.namespace();
  }, 120_000);

  afterAll(() => world?.end(), 60_000);

  const leads = async (controller: ControllerProcess): Promise<boolean> =>
    (await controller.metric('leader_election_master_status')) === 1;

  const untilLeads = (controller: ControllerProcess): Promise<void> =>
    eventually(async () => expect(await leads(controller)).toBe(true), 60_000);

  test('one of two acts; a killed leader is followed when its lease is over, one that stops in order at once', async () => {
    const [first, second] = [await world.start(), await world.start()];
    await resources.create('Stream', 'one', { name: 'ONE' });
    await resources.untilReady('Stream', 'one');
    const [leader, standby] = (await leads(first)) ? [first, second] : [second, first];
    expect(await leads(standby)).toBe(false);

    await leader.kill();
    await resources.create('Stream', 'two', { name: 'TWO' });
    await untilLeads(standby);
    await resources.untilReady('Stream', 'two');

    const third = await world.start();
    expect(await leads(third)).toBe(false);
    expect(await standby.stop()).toBe(0);
    await untilLeads(third);
    await resources.create('Stream', 'three', { name: 'THREE' });
    await resources.untilReady('Stream', 'three');
    await third.stop();
  }, 180_000);

  test('a leader that is cut off from the API server ends before another begins, and the other has the work', async () => {
    const proxy = await startTcpProxy(Number(new URL(world.plane.url).port));
    const server = `https://127.0.0.1:${proxy.port}`;
    const cut = await world.start({ access: { ...world.plane.admin, server } });
    await untilLeads(cut);
    const other = await world.start();
    proxy.freezeAll();
    await eventually(() => expect(cut.running).toBe(false), 60_000);
    await untilLeads(other);
    await resources.create('Stream', 'four', { name: 'FOUR' });
    await resources.untilReady('Stream', 'four');
    await other.stop();
    await proxy.close();
  }, 180_000);

  test('a watch that is cut without a word is noticed, and what happened meanwhile is done', async () => {
    const proxy = await startTcpProxy(Number(new URL(world.plane.url).port));
    const controller = await world.start({
      access: { ...world.plane.admin, server: `https://127.0.0.1:${proxy.port}` },
      env: { HEADWATER_WATCH_SILENCE_SECONDS: '5' },
    });
    await resources.create('Stream', 'five', { name: 'FIVE' });
    await resources.untilReady('Stream', 'five');
    // The connections that are open stay open and carry nothing; new ones work.
    proxy.freeze();
    await resources.patch('Stream', 'five', { spec: { maxMsgs: 5 } });
    await eventually(async () =>
      expect((await world.jetstream.streamInfo('FIVE'))?.config['max_msgs']).toBe(5),
    );
    await controller.stop();
    await proxy.close();
  }, 180_000);
});
