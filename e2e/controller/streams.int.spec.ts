import { eventually } from '@headwater/testing';
import {
  describeOnServers,
  type ControllerProcess,
  type ControllerWorld,
  type Resources,
  startControllerWorld,
} from '@headwater/testing-controller';

describeOnServers('the controller keeps streams', (server) => {
  let world: ControllerWorld;
  let controller: ControllerProcess;
  let resources: Resources;

  beforeAll(async () => {
    world = await startControllerWorld({ nats: { binary: await server.binary() } });
    controller = await world.start({ env: { HEADWATER_FACTS_SECONDS: '1' } });
    resources = await world.namespace();
  }, 120_000);

  afterAll(() => world?.end(), 60_000);

  const configOf = async (stream: string): Promise<Record<string, unknown>> => {
    const info = await world.jetstream.streamInfo(stream);
    if (!info) throw new Error(`there is no stream ${stream}`);
    return { ...info.config };
  };

  test('an applied Stream becomes one, and says so', async () => {
    await resources.create('Stream', 'made', {
      name: 'MADE',
      subjects: ['made.>'],
      maxAge: '1h',
      maxMsgs: 10,
    });
    const { status } = await resources.untilReady('Stream', 'made');
    expect(await configOf('MADE')).toMatchObject({
      subjects: ['made.>'],
      max_age: 3_600e9,
      max_msgs: 10,
      storage: 'file',
    });
    expect(status).toMatchObject({ streamName: 'MADE', messages: 0, replicas: '1/1' });
    const conditions = Object.fromEntries(
      status?.conditions?.map(({ type, status: is }) => [type, is]) ?? [],
    );
    expect(conditions).toEqual({ Ready: 'True', Synced: 'True', Drifted: 'False', Connected: 'True' });
  });

  test('what is taken out of the spec is turned off', async () => {
    await resources.create('Stream', 'off', {
      name: 'OFF',
      subjects: ['off.>'],
      maxAge: '1h',
      denyDelete: false,
      allowRollup: true,
      discard: 'new',
    });
    await resources.untilReady('Stream', 'off');
    expect(await configOf('OFF')).toMatchObject({
      allow_rollup_hdrs: true,
      max_age: 3_600e9,
      discard: 'new',
    });
    await resources.patch('Stream', 'off', { spec: { allowRollup: null, maxAge: null, discard: null } });
    await resources.untilReady('Stream', 'off');
    const config = await configOf('OFF');
    expect(config).toMatchObject({ allow_rollup_hdrs: false, max_age: 0, discard: 'old' });
  });

  test('a change from outside is taken back, counted and told', async () => {
    await resources.create('Stream', 'drift', { name: 'DRIFT', subjects: ['drift.>'], maxMsgs: 100 });
    await resources.untilReady('Stream', 'drift');
    const declared = await configOf('DRIFT');
    await world.jetstream.writeStream(
      'DRIFT',
      { ...declared, max_msgs: 7, description: 'by hand' },
      'update',
    );
    await eventually(async () => expect(await configOf('DRIFT')).toEqual(declared));
    await eventually(async () =>
      expect(
        await controller.metric('jetstream_drift_detected_total', { kind: 'Stream', field: 'spec.maxMsgs' }),
      ).toBe(1),
    );
    await resources.untilReady('Stream', 'drift');
  });

  test('a deleted stream is made again, is reported as empty, and the report ends when it is acknowledged', async () => {
    await resources.create('Stream', 'again', { name: 'AGAIN', subjects: ['again.>'] });
    await resources.untilReady('Stream', 'again');
    world.connection.publish('again.1', 'lost');
    await world.connection.flush();
    await world.jetstream.deleteStream('AGAIN');
    const { status } = await resources.until('Stream', 'again', {
      Ready: 'True',
      Recreated: 'True:StreamRecreated',
    });
    expect(await resources.messageOf('Stream', 'again', 'Recreated')).toContain('holds nothing from before');
    await resources.patch('Stream', 'again', {
      metadata: {
        annotations: { 'jetstream.headwater.dev/acknowledge-recreated': String(status?.['created']) },
      },
    });
    await eventually(() => resources.until('Stream', 'again', { Ready: 'True', Recreated: 'absent' }));
  });

  test('recreatePolicy Never reports a deleted stream and leaves it so', async () => {
    await resources.create('Stream', 'gone', { name: 'GONE', subjects: ['gone.>'], recreatePolicy: 'Never' });
    await resources.untilReady('Stream', 'gone');
    await world.jetstream.deleteStream('GONE');
    await resources.until('Stream', 'gone', { Ready: 'False:Missing', Stalled: 'True' });
    expect(await world.jetstream.streamInfo('GONE')).toBeUndefined();
  });

  test('what the server can not change in place is refused with the field, and nothing loops', async () => {
    await resources.create('Stream', 'frozen', { name: 'FROZEN', subjects: ['frozen.>'], denyDelete: true });
    await resources.untilReady('Stream', 'frozen');
    await resources.patch('Stream', 'frozen', { spec: { denyDelete: false } }).then(
      async () => {
        await resources.until('Stream', 'frozen', { Ready: 'False:ImmutableField', Stalled: 'True' });
        expect(await resources.messageOf('Stream', 'frozen')).toContain('denyDelete');
      },
      // Refusing it at admission is as good.
      (error: Error) => expect(error.message).toContain('denyDelete'),
    );
  });

  test('overlapping subjects are told with both fields and heal when the other stream goes', async () => {
    await world.jetstream.writeStream('TAKEN', { name: 'TAKEN', subjects: ['overlap.>'] }, 'create');
    await resources.create('Stream', 'overlap', { name: 'OVERLAP', subjects: ['overlap.a'] });
    await resources.until('Stream', 'overlap', { Ready: 'False:SubjectsOverlap' });
    expect(await resources.messageOf('Stream', 'overlap')).toContain('subjects');
    await world.jetstream.deleteStream('TAKEN');
    await resources.patch('Stream', 'overlap', { metadata: { annotations: { touched: 'yes' } } });
    await resources.untilReady('Stream', 'overlap');
  });

  test('Observe reports and writes nothing; CreateOnly creates and then only reports', async () => {
    await resources.create('Stream', 'observed', {
      name: 'OBSERVED',
      maxMsgs: 5,
      managementPolicy: 'Observe',
    });
    await resources.until('Stream', 'observed', { Ready: 'False:Missing' });
    await world.jetstream.writeStream('OBSERVED', { name: 'OBSERVED', max_msgs: 6 }, 'create');
    await resources.until('Stream', 'observed', { Ready: 'True', Synced: 'False:Drifted', Drifted: 'True' });
    expect((await configOf('OBSERVED'))['max_msgs']).toBe(6);

    await resources.create('Stream', 'once', { name: 'ONCE', maxMsgs: 5, managementPolicy: 'CreateOnly' });
    await resources.untilReady('Stream', 'once');
    await world.jetstream.writeStream('ONCE', { ...(await configOf('ONCE')), max_msgs: 6 }, 'update');
    await resources.until('Stream', 'once', { Drifted: 'True' });
    expect((await configOf('ONCE'))['max_msgs']).toBe(6);
  });

  test('a paused object is left alone until it is not', async () => {
    const annotation = 'jetstream.headwater.dev/paused';
    await resources.create('Stream', 'paused', { name: 'PAUSED' }, { annotations: { [annotation]: 'true' } });
    await resources.until('Stream', 'paused', { Synced: 'Unknown:Paused' });
    expect(await world.jetstream.streamInfo('PAUSED')).toBeUndefined();
    await resources.patch('Stream', 'paused', { metadata: { annotations: { [annotation]: null } } });
    await resources.untilReady('Stream', 'paused');
  });

  test('a field that the server lacks is refused with the version it needs, never dropped without a word', async () => {
    await resources.create('Stream', 'newer', {
      name: 'NEWER',
      subjects: ['newer.>'],
      allowMsgSchedules: true,
    });
    if (server.oldest) {
      await resources.until('Stream', 'newer', { Ready: 'False:Unsupported', Stalled: 'True' });
      expect(await resources.messageOf('Stream', 'newer')).toMatch(/allowMsgSchedules.*2\.1[24]/);
      expect(await world.jetstream.streamInfo('NEWER')).toBeUndefined();
    } else {
      await resources.untilReady('Stream', 'newer');
      expect((await configOf('NEWER'))['allow_msg_schedules']).toBe(true);
    }
  });

  test('a rename is refused at admission', async () => {
    await resources.create('Stream', 'named', { name: 'NAMED' });
    await expect(resources.patch('Stream', 'named', { spec: { name: 'OTHER' } })).rejects.toThrow(/name/);
  });

  test('when all is as declared, nothing is written: not to NATS, not to Kubernetes', async () => {
    const writes = async (): Promise<number> => {
      const counts = await Promise.all(
        ['PATCH', 'POST', 'DELETE'].map((method) =>
          controller.metric('rest_client_requests_total', { method }),
        ),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    };
    const versions = async (): Promise<unknown> =>
      Promise.all(
        ['made', 'off', 'drift', 'named'].map(async (name) => {
          const resource = await resources.get('Stream', name);
          return resource?.metadata.resourceVersion;
        }),
      );
    const seen: string[] = [];
    const subscription = world.connection.subscribe('$JS.EVENT.ADVISORY.STREAM.UPDATED.>', {
      callback: (_error, message) => void seen.push(message.subject),
    });
    // Events of the tests before may still be on their way; whoever writes in every round never passes.
    await eventually(async () => {
      const [before, resourceVersions] = [await writes(), await versions()];
      const rounds = await controller.metric('jetstream_rounds_total');
      await eventually(async () =>
        expect(await controller.metric('jetstream_rounds_total')).toBeGreaterThan(rounds + 3),
      );
      expect(await versions()).toEqual(resourceVersions);
      // The Lease is renewed by PUT; nothing else is written.
      expect((await writes()) - before).toBe(0);
    });
    expect(seen).toEqual([]);
    subscription.unsubscribe();
  });
});
