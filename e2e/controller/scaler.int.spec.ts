import { join, resolve } from 'node:path';
import { credentials, loadPackageDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { jetstream } from '@nats-io/jetstream';
import { describeWithControlPlane, eventually } from '@headwater/testing';
import {
  type ControllerProcess,
  type ControllerWorld,
  type Resources,
  startControllerWorld,
} from '@headwater/testing-controller';

const CONTRACT = resolve(join(__dirname, '../../apps/jetstream-controller/proto/externalscaler.proto'));

type Call = (
  request: object,
  answer: (error: ServiceError | null, response: Record<string, unknown>) => void,
) => void;
interface Scaler {
  IsActive: Call;
  GetMetricSpec: Call;
  GetMetrics: Call;
  StreamIsActive(request: object): {
    on(event: 'data', listener: (message: { result: boolean }) => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    cancel(): void;
  };
  close(): void;
}

describeWithControlPlane('the external scaler for KEDA', () => {
  let world: ControllerWorld;
  let controller: ControllerProcess;
  let resources: Resources;
  let scaler: Scaler;

  beforeAll(async () => {
    world = await startControllerWorld();
    controller = await world.start();
    resources = await world.namespace();
    const definition = loadSync(CONTRACT, { longs: Number, defaults: true, keepCase: true });
    const { ExternalScaler } = loadPackageDefinition(definition)['externalscaler'] as unknown as {
      ExternalScaler: new (address: string, credentials: unknown) => Scaler;
    };
    scaler = new ExternalScaler(`127.0.0.1:${controller.scalerPort}`, credentials.createInsecure());
    await resources.create('Stream', 'work', { name: 'WORK', subjects: ['work.>'] });
    await resources.create('Consumer', 'worker', { streamName: 'WORK', durableName: 'worker' });
    await resources.untilReady('Consumer', 'worker');
  }, 120_000);

  afterAll(async () => {
    scaler?.close();
    await world?.end();
  }, 60_000);

  const trigger = (scalerMetadata: object) => ({
    name: 'workers',
    namespace: resources.namespace,
    scalerMetadata,
  });
  const ask = (call: Exclude<keyof Scaler, 'StreamIsActive' | 'close'>, request: object) =>
    new Promise<Record<string, unknown>>((resolve, reject) =>
      scaler[call](request, (error, response) => (error ? reject(error) : resolve(response))),
    );
  const lag = async (): Promise<unknown> => {
    const scaledObjectRef = trigger({ consumer: 'worker', lagThreshold: '5' });
    const { metricValues } = await ask('GetMetrics', { scaledObjectRef, metricName: 'jetstream-lag-worker' });
    return (metricValues as { metricValueFloat: number }[])[0]?.metricValueFloat;
  };

  test('lag is what the consumer owes: messages not delivered, and those delivered and not acknowledged', async () => {
    expect(await ask('IsActive', trigger({ consumer: 'worker' }))).toEqual({ result: false });
    for (let n = 0; n < 12; n++) await jetstream(world.connection).publish('work.a', String(n));
    expect(await ask('IsActive', trigger({ consumer: 'worker' }))).toEqual({ result: true });
    expect(await ask('IsActive', trigger({ consumer: 'worker', activationLagThreshold: '12' }))).toEqual({
      result: false,
    });
    expect(await lag()).toBe(12);

    const consumer = await jetstream(world.connection).consumers.get('WORK', 'worker');
    const taken = await consumer.fetch({ max_messages: 5, expires: 1_000 });
    let seen = 0;
    for await (const message of taken) if (seen++ < 2) await message.ackAck();
    expect(await lag()).toBe(10);
  });

  test('the metric carries its target', async () => {
    expect(await ask('GetMetricSpec', trigger({ consumer: 'worker', lagThreshold: '2.5' }))).toEqual({
      metricSpecs: [{ metricName: 'jetstream-lag-worker', targetSize: 3, targetSizeFloat: 2.5 }],
    });
  });

  test('a consumer that is missing is an error, not a number', async () => {
    await expect(ask('IsActive', trigger({ consumer: 'nobody' }))).rejects.toMatchObject({
      code: status.NOT_FOUND,
    });
    await resources.create('Consumer', 'unborn', { streamName: 'NONE', durableName: 'unborn' });
    await eventually(() =>
      expect(ask('IsActive', trigger({ consumer: 'unborn' }))).rejects.toMatchObject({
        code: status.NOT_FOUND,
      }),
    );
  });

  test('bad metadata is refused with the field', async () => {
    await expect(ask('GetMetricSpec', trigger({}))).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('consumer'),
    });
    await expect(
      ask('GetMetricSpec', trigger({ consumer: 'worker', lagThreshold: 'many' })),
    ).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('lagThreshold'),
    });
  });

  test('a client that asks to be told is told of every change', async () => {
    const told: boolean[] = [];
    const call = scaler.StreamIsActive(trigger({ consumer: 'worker', activationLagThreshold: '20' }));
    call.on('data', ({ result }) => told.push(result));
    call.on('error', () => undefined);
    await eventually(() => expect(told).toEqual([false]));
    for (let n = 0; n < 20; n++) await jetstream(world.connection).publish('work.b', String(n));
    await eventually(() => expect(told).toEqual([false, true]));
    call.cancel();
  });

  test('NATS away: the scaler says that it does not know', async () => {
    await world.nats.kill();
    await eventually(() =>
      expect(ask('IsActive', trigger({ consumer: 'worker' }))).rejects.toMatchObject({
        code: status.UNAVAILABLE,
      }),
    );
    await world.nats.restart();
    await eventually(async () => expect(await lag()).toBe(30));
  }, 60_000);
});
