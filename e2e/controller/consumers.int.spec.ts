import { jetstream } from '@nats-io/jetstream';
import { eventually } from '@headwater/testing';
import {
  describeOnServers,
  type ControllerWorld,
  type Resources,
  startControllerWorld,
} from '@headwater/testing-controller';

describeOnServers('the controller keeps consumers', (server) => {
  let world: ControllerWorld;
  let resources: Resources;

  beforeAll(async () => {
    world = await startControllerWorld({ nats: { binary: await server.binary() } });
    await world.start({ env: { HEADWATER_FACTS_SECONDS: '1' } });
    resources = await world.namespace();
  }, 120_000);

  afterAll(() => world?.end(), 60_000);

  const consumer = (stream: string, name: string, more: object = {}) =>
    resources.create('Consumer', name, { streamName: stream, durableName: name, ...more });

  const infoOf = async (stream: string, name: string) => {
    const info = await world.jetstream.consumerInfo(stream, name);
    if (!info) throw new Error(`there is no consumer ${stream}/${name}`);
    return info;
  };

  const publish = async (subject: string, from: number, to: number): Promise<void> => {
    const js = jetstream(world.connection);
    for (let n = from; n <= to; n++) await js.publish(subject, String(n));
  };

  /** Takes messages and acknowledges them; resolves to their numbers. */
  const take = async (stream: string, name: string, count: number): Promise<number[]> => {
    const found = await jetstream(world.connection).consumers.get(stream, name);
    const taken: number[] = [];
    for await (const message of await found.fetch({ max_messages: count, expires: 2_000 })) {
      taken.push(Number(message.string()));
      await message.ackAck();
    }
    return taken;
  };

  test('a Consumer waits for its stream and is woken by it', async () => {
    await consumer('LATE', 'late-worker');
    await resources.until('Consumer', 'late-worker', { Ready: 'False:StreamNotReady', Reconciling: 'True' });
    await resources.create('Stream', 'late', { name: 'LATE', subjects: ['late.>'] });
    await resources.untilReady('Consumer', 'late-worker');
    expect((await infoOf('LATE', 'late-worker')).config).toMatchObject({
      ack_policy: 'explicit',
      ack_wait: 30e9,
    });
  });

  test('a Consumer of a stream that somebody else makes is woken too', async () => {
    await consumer('FOREIGN', 'foreign-worker');
    await resources.until('Consumer', 'foreign-worker', { Ready: 'False:StreamNotReady' });
    await world.jetstream.writeStream('FOREIGN', { name: 'FOREIGN', subjects: ['foreign.>'] }, 'create');
    await resources.untilReady('Consumer', 'foreign-worker');
  });

  test('an edit by hand is taken back, and what was acknowledged stays so', async () => {
    await resources.create('Stream', 'edited', { name: 'EDITED', subjects: ['edited.>'] });
    await consumer('EDITED', 'edited-worker', { maxAckPending: 50 });
    await resources.untilReady('Consumer', 'edited-worker');
    await publish('edited.a', 1, 10);
    expect(await take('EDITED', 'edited-worker', 4)).toEqual([1, 2, 3, 4]);
    const { config } = await infoOf('EDITED', 'edited-worker');
    await world.jetstream.writeConsumer(
      'EDITED',
      'edited-worker',
      { ...config, max_ack_pending: 3 },
      'update',
    );
    await eventually(async () =>
      expect((await infoOf('EDITED', 'edited-worker')).config['max_ack_pending']).toBe(50),
    );
    expect(await take('EDITED', 'edited-worker', 6)).toEqual([5, 6, 7, 8, 9, 10]);
  });

  test('a consumer deleted by hand goes on behind its last recorded ack floor: nothing at or below it again, nothing lost', async () => {
    await resources.create('Stream', 'floor', { name: 'FLOOR', subjects: ['floor.>'] });
    await consumer('FLOOR', 'floor-worker');
    await resources.untilReady('Consumer', 'floor-worker');
    await publish('floor.a', 1, 20);
    expect(await take('FLOOR', 'floor-worker', 7)).toHaveLength(7);
    await eventually(async () => {
      const { status } = await resources.untilReady('Consumer', 'floor-worker');
      expect(status?.['ackFloor']).toMatchObject({ streamSeq: 7 });
    });
    const declared = (await infoOf('FLOOR', 'floor-worker')).config;
    await world.jetstream.deleteConsumer('FLOOR', 'floor-worker');
    await eventually(async () => expect((await infoOf('FLOOR', 'floor-worker')).paused ?? false).toBe(false));
    expect(await take('FLOOR', 'floor-worker', 13)).toEqual(Array.from({ length: 13 }, (_, n) => n + 8));
    // Made by a reset it is as declared; the oldest servers can only begin it elsewhere, and that is no difference.
    const { config } = await infoOf('FLOOR', 'floor-worker');
    expect(config['deliver_policy']).toBe(server.oldest ? 'by_start_sequence' : declared['deliver_policy']);
    await resources.until('Consumer', 'floor-worker', { Ready: 'True', Drifted: 'False' });
  });

  test('one that delivers only what is new, and has acknowledged nothing, loses nothing either', async () => {
    await resources.create('Stream', 'news', { name: 'NEWS', subjects: ['news.>'] });
    await resources.untilReady('Stream', 'news');
    await publish('news.a', 1, 3);
    await consumer('NEWS', 'news-worker', { deliverPolicy: 'new' });
    await resources.untilReady('Consumer', 'news-worker');
    await publish('news.a', 4, 6);
    await world.jetstream.deleteConsumer('NEWS', 'news-worker');
    await publish('news.a', 7, 8);
    await eventually(() => infoOf('NEWS', 'news-worker'));
    await publish('news.a', 9, 9);
    expect(await take('NEWS', 'news-worker', 6)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  test('a consumer of a recreated stream begins as its spec says', async () => {
    await resources.create('Stream', 'fresh', { name: 'FRESH', subjects: ['fresh.>'] });
    await consumer('FRESH', 'fresh-worker');
    await resources.untilReady('Consumer', 'fresh-worker');
    await publish('fresh.a', 1, 5);
    expect(await take('FRESH', 'fresh-worker', 5)).toHaveLength(5);
    await eventually(async () => {
      const { status } = await resources.untilReady('Consumer', 'fresh-worker');
      expect(status?.['ackFloor']).toMatchObject({ streamSeq: 5 });
    });
    await world.jetstream.deleteStream('FRESH');
    await eventually(() => infoOf('FRESH', 'fresh-worker'));
    await publish('fresh.a', 101, 103);
    expect(await take('FRESH', 'fresh-worker', 3)).toEqual([101, 102, 103]);
  });

  test('a pause that is declared is set and lifted; one set by hand is left alone', async () => {
    await resources.create('Stream', 'pause', { name: 'PAUSE', subjects: ['pause.>'] });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    await consumer('PAUSE', 'pause-worker', { pauseUntil: until });
    await resources.untilReady('Consumer', 'pause-worker');
    expect((await infoOf('PAUSE', 'pause-worker')).paused).toBe(true);
    await resources.patch('Consumer', 'pause-worker', { spec: { pauseUntil: null } });
    await resources.untilReady('Consumer', 'pause-worker');
    expect((await infoOf('PAUSE', 'pause-worker')).paused ?? false).toBe(false);

    const byHand = new Date(Date.now() + 7_200_000).toISOString();
    await world.jetstream.pauseConsumer('PAUSE', 'pause-worker', byHand);
    // A pass that finds something else to do must not lift it.
    await resources.patch('Consumer', 'pause-worker', { spec: { maxAckPending: 77 } });
    await resources.untilReady('Consumer', 'pause-worker');
    const held = await infoOf('PAUSE', 'pause-worker');
    expect(held.config['max_ack_pending']).toBe(77);
    expect(held.paused).toBe(true);
    await eventually(async () => {
      const { status } = await resources.untilReady('Consumer', 'pause-worker');
      expect(Date.parse(String(status?.['pausedUntil']))).toBe(Date.parse(byHand));
    });
  });

  test('the status tells what the consumer owes', async () => {
    await resources.create('Stream', 'owing', { name: 'OWING', subjects: ['owing.>'] });
    await consumer('OWING', 'owing-worker');
    await resources.untilReady('Consumer', 'owing-worker');
    await publish('owing.a', 1, 3);
    await eventually(async () => {
      const { status } = await resources.untilReady('Consumer', 'owing-worker');
      expect(status).toMatchObject({ pending: 3, ackPending: 0 });
    });
  });

  test('bad input is refused at admission with a sentence that names the field', async () => {
    await expect(consumer('X', 'both', { filterSubject: 'a', filterSubjects: ['b'] })).rejects.toThrow(
      /filterSubject/,
    );
    await expect(consumer('X', 'long', { backoff: ['1s', '2s', '3s'], maxDeliver: 2 })).rejects.toThrow(
      /backoff/,
    );
    await expect(consumer('X', 'word', { ackWait: 'soon' })).rejects.toThrow(/ackWait/);
  });
});
