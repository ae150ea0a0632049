import { eventually } from '@headwater/testing';
import { NatsConnection } from '@nats-io/transport-node';
import { Broker, Worker } from '../test/fixture';

let broker: Broker;
let connection: NatsConnection;
let workers: Worker[] = [];

const start = async (...args: Parameters<typeof Worker.start>): Promise<Worker> => {
  const worker = await Worker.start(...args);
  workers.push(worker);
  return worker;
};

const settledAll = (): Promise<void> => eventually(async () => expect(await broker.unsettled()).toBe(0));

const names = (count: number, prefix = 'order'): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

beforeEach(async () => {
  broker = await Broker.start();
  connection = await broker.connect();
});

afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  workers = [];
  await broker.stop();
});

test('messages that a limit has dropped are read from the log before the rest is handled', async () => {
  await broker.declareStream({ max_msgs: 10 });
  await broker.declareConsumer();
  const events = await broker.publish(names(30));
  const asked: unknown[] = [];
  const handled: number[] = [];
  const worker = await start(connection, ({ position }) => handled.push(position), {
    concurrency: 1,
    readLog: async function* (log, options) {
      asked.push({ log, ...options });
      yield events.filter(({ position }) => position > options.after);
    },
  });
  await settledAll();
  await eventually(() => expect(handled).toHaveLength(30));
  expect(handled).toEqual(events.map(({ position }) => position));
  expect(asked[0]).toEqual({ log: 'ORDERS', after: 0, eventTypes: ['ORDERS.created'] });
  expect(worker.errors).toContain('the stream has dropped messages; reading them from the log');
});

test('without a log to read dropped messages from, the process is not ready and says so', async () => {
  await broker.declareStream({ max_msgs: 10 });
  await broker.declareConsumer();
  await broker.publish(names(30));
  const worker = await start(connection, () => undefined);
  await eventually(() => expect(worker.state).toContain('stream ORDERS no longer has 1 to 20'));
});

test('messages that are dropped while the worker is busy are read from the log as well', async () => {
  await broker.declareStream({ max_msgs: 10 });
  await broker.declareConsumer();
  const events = await broker.publish(names(3));
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const handled: number[] = [];
  let begun = 0;
  const worker = await start(
    connection,
    async ({ position }) => {
      begun++;
      await gate;
      handled.push(position);
    },
    {
      capacity: 3,
      pull: { batch: 3 },
      readLog: async function* (_log, options) {
        yield events.filter(({ position }) => position > options.after);
      },
    },
  );
  await eventually(() => expect(begun).toBe(3));
  events.push(...(await broker.publish(names(40, 'later'))));
  await eventually(() =>
    expect(worker.errors).toContain('the stream has dropped messages; reading them from the log'),
  );
  release();
  await settledAll();
  await eventually(() => expect(handled).toHaveLength(43));
  expect([...handled].sort((a, b) => a - b)).toEqual(events.map(({ position }) => position));
  expect(worker.parked).toEqual([]);
});
