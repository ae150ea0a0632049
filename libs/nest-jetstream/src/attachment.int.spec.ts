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

test('a missing stream or consumer leaves the process alive and not ready, until it is declared', async () => {
  const handled: string[] = [];
  const worker = await start(connection, ({ aggregateId }) => handled.push(aggregateId));
  await eventually(() => expect(worker.state).toBe('stream ORDERS does not exist; it must be declared'));
  await broker.declareStream();
  await broker.publish(['a']);
  await eventually(() =>
    expect(worker.state).toBe('consumer payment-worker of stream ORDERS does not exist; it must be declared'),
  );
  await broker.declareConsumer();
  await eventually(() => expect(handled).toEqual(['a']));
  expect(worker.state).toBe('up');
});

test('a consumer that is deleted and declared again is taken up again', async () => {
  await broker.declareStream();
  await broker.declareConsumer();
  const handled = new Set<string>();
  const worker = await start(connection, ({ aggregateId }) => handled.add(aggregateId));
  await broker.publish(['before']);
  await eventually(() => expect(handled).toContain('before'));
  await broker.deleteConsumer();
  await eventually(() => expect(worker.state).toContain('does not exist'));
  await broker.declareConsumer();
  await broker.publish(['after']);
  await eventually(() => expect(handled).toContain('after'));
  expect(worker.state).toBe('up');
});

test.each([
  [{ filter_subjects: ['ORDERS.approved', 'ORDERS.approved.*'] }, 'does not deliver ORDERS.created'],
  [{ ack_policy: 'none' as const }, 'has ack policy none; messages would be lost'],
])('a consumer declared wrongly (%j) is refused with the reason', async (config, reason) => {
  await broker.declareStream();
  await broker.declareConsumer(config);
  const worker = await start(connection, () => undefined);
  await eventually(() => expect(worker.state).toContain(reason));
});

test('nothing is lost when nats-server is killed and started again in the middle', async () => {
  await broker.declareStream();
  await broker.declareConsumer({ ack_wait: 1e9 });
  await broker.publish(names(400));
  const handled = new Map<string, number>();
  const worker = await start(
    connection,
    async ({ aggregateId }) => {
      await new Promise(setImmediate);
      handled.set(aggregateId, (handled.get(aggregateId) ?? 0) + 1);
    },
    { concurrency: 4, capacity: 50, pull: { batch: 20 } },
  );
  await eventually(() => expect(handled.size).toBeGreaterThan(60));
  await broker.server.kill();
  await eventually(() => expect(worker.state).not.toBe('up'));
  await broker.server.restart();
  await settledAll();
  expect(handled.size).toBe(400);
  // Acks may be lost with the connection, but what was settled here is acked again, not handled again.
  expect(Math.max(...handled.values())).toBe(1);
  expect(worker.state).toBe('up');
});

test('a message whose process dies before the ack is delivered again', async () => {
  await broker.declareStream();
  await broker.declareConsumer({ ack_wait: 300e6 });
  await broker.publish(['a']);
  const dying = await broker.connect();
  let begun = 0;
  const first = await Worker.start(
    dying,
    () => {
      begun++;
      return new Promise(() => undefined);
    },
    { stopDeadlineMs: 10 },
  );
  await eventually(() => expect(begun).toBe(1));
  // As SIGKILL does: the connection is gone, and nothing is said to the broker.
  await dying.close();
  const deliveries: number[] = [];
  await start(connection, (_event, context) => deliveries.push(context.deliveries));
  await settledAll();
  expect(deliveries).toEqual([2]);
  await first.stop();
});

test('stop waits for the running handler and gives the rest back at once', async () => {
  await broker.declareStream();
  await broker.declareConsumer();
  await broker.publish(['a', 'a', 'b', 'c']);
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const handled: string[] = [];
  const worker = await Worker.start(
    await broker.connect(),
    async ({ aggregateId, position }) => {
      await gate;
      handled.push(`${aggregateId}${position}`);
    },
    { concurrency: 2 },
  );
  await eventually(async () =>
    expect(await worker.metrics.metrics()).toMatch(/messages_in_flight\{[^}]*\} 4/),
  );
  const stopped = worker.stop();
  const others: string[] = [];
  // ack_wait is 30 s: only what is given back can come here sooner.
  await start(connection, ({ aggregateId, position }) => others.push(`${aggregateId}${position}`));
  await eventually(() => expect(others).toEqual(['c4']));
  release();
  await stopped;
  await settledAll();
  expect(handled.sort()).toEqual(['a1', 'b3']);
  expect(others.sort()).toEqual(['a2', 'c4']);
});

test('a handler that does not end by the deadline is aborted and its message given back', async () => {
  await broker.declareStream();
  await broker.declareConsumer();
  await broker.publish(['a']);
  let aborted = false;
  const worker = await Worker.start(
    await broker.connect(),
    (_event, { signal }) =>
      new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(new Error('aborted'));
        });
      }),
    { stopDeadlineMs: 50 },
  );
  await eventually(async () =>
    expect(await worker.metrics.metrics()).toMatch(/messages_in_flight\{[^}]*\} 1/),
  );
  await worker.stop();
  expect(aborted).toBe(true);
  const deliveries: number[] = [];
  await start(connection, (_event, context) => deliveries.push(context.deliveries));
  await settledAll();
  expect(deliveries).toEqual([2]);
});

test('a message that somebody else terminates raises an alarm', async () => {
  await broker.declareStream();
  await broker.declareConsumer();
  const worker = await start(connection, () => undefined);
  await eventually(() => expect(worker.state).toBe('up'));
  const other = await broker.connect();
  other.publish(
    '$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.ORDERS.payment-worker',
    JSON.stringify({ stream_seq: 7, deliveries: 1 }),
  );
  await eventually(() =>
    expect(worker.errors).toEqual(['the broker has given a message up and there is no dead letter of it']),
  );
});

describe('with the permissions of the user payment', () => {
  const passwords = { payment: 'p', admin: 'a' };
  let restricted: Broker;

  beforeEach(async () => {
    restricted = await Broker.start(
      { passwords, extraUsers: { admin: { publish: ['>'], subscribe: ['>'] } } },
      { user: 'admin', pass: 'a' },
    );
  });
  afterEach(() => restricted.stop());

  test('everything that handling needs is allowed, and publishing an event is not', async () => {
    await restricted.declareStream();
    await restricted.declareConsumer();
    const user = await restricted.connect({ user: 'payment', pass: 'p', inboxPrefix: '_INBOX_payment' });
    const handled: string[] = [];
    let failed = false;
    const worker = await Worker.start(user, ({ aggregateId }) => {
      if (aggregateId === 'b' && !failed) {
        failed = true;
        throw new Error('once');
      }
      handled.push(aggregateId);
    });
    await restricted.publish(['a', 'b']);
    await eventually(async () => expect(await restricted.unsettled()).toBe(0));
    expect(handled.sort()).toEqual(['a', 'b']);
    expect(worker.states).toEqual(['up']);
    await expect(user.request('ORDERS.created.00', '{}')).rejects.toThrow(/permission/i);
    await worker.stop();
  });
});
