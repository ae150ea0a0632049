import { eventually } from '@headwater/testing';
import { NatsConnection } from '@nats-io/transport-node';
import { concat, defer, of, throwError } from 'rxjs';
import { Broker, Worker } from '../test/fixture';
import { DependencyUnavailable, TerminalError } from './index';

let broker: Broker;
let connection: NatsConnection;
let workers: Worker[] = [];

/** Starts a worker that the test does not need to stop. */
const start = async (...args: Parameters<typeof Worker.start>): Promise<Worker> => {
  const worker = await Worker.start(...args);
  workers.push(worker);
  return worker;
};

const settledAll = (): Promise<void> => eventually(async () => expect(await broker.unsettled()).toBe(0));

beforeEach(async () => {
  broker = await Broker.start();
  connection = await broker.connect();
  await broker.declareStream();
});

afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  workers = [];
  await broker.stop();
});

test('events of one aggregate are handled one after another, in order, although some fail', async () => {
  await broker.declareConsumer();
  const ids = Array.from({ length: 300 }, (_, n) => `order-${n % 10}`);
  await broker.publish(ids);
  const done: Record<string, number[]> = {};
  const busy = new Set<string>();
  const tried = new Set<number>();
  let overlaps = 0;
  await start(connection, async ({ aggregateId, position }) => {
    if (busy.has(aggregateId)) overlaps++;
    busy.add(aggregateId);
    await new Promise(setImmediate);
    busy.delete(aggregateId);
    if (position % 7 === 0 && !tried.has(position)) {
      tried.add(position);
      throw new Error('the first attempt fails');
    }
    (done[aggregateId] ??= []).push(position);
  });
  await settledAll();
  expect(overlaps).toBe(0);
  expect(tried.size).toBe(42);
  expect(Object.values(done).flat()).toHaveLength(300);
  for (const positions of Object.values(done)) {
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
  }
});

test('a slow message holds up its own aggregate and no other, and its ack wait is extended', async () => {
  await broker.declareConsumer({ ack_wait: 200e6 });
  await broker.publish(['slow', 'slow', ...Array.from({ length: 50 }, (_, n) => `order-${n}`)]);
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const handled: string[] = [];
  let slowStarts = 0;
  await start(connection, async ({ aggregateId, position }, context) => {
    if (aggregateId === 'slow') {
      slowStarts++;
      await gate;
    }
    handled.push(`${aggregateId}/${position}/${context.deliveries}`);
  });
  await eventually(() => expect(handled).toHaveLength(50));
  // Several ack waits go by; an unextended message would be delivered again.
  const since = Date.now();
  await eventually(() => expect(Date.now() - since).toBeGreaterThan(700));
  expect(slowStarts).toBe(1);
  release();
  await settledAll();
  expect(handled.slice(50)).toEqual(['slow/1/1', 'slow/2/1']);
  expect(await broker.unsettled()).toBe(0);
});

test('a dependency that is away pauses everything, makes the process not ready, and counts against nothing', async () => {
  await broker.declareConsumer();
  await broker.publish(Array.from({ length: 40 }, (_, n) => `order-${n}`));
  let away = true;
  let refused = 0;
  const attempts: number[] = [];
  const worker = await start(
    connection,
    (_event, context) => {
      if (away) {
        refused++;
        throw new DependencyUnavailable('provider', 'connection refused');
      }
      attempts.push(context.attempt);
    },
    { retry: { attempts: 2 } },
  );
  await eventually(() => expect(refused).toBeGreaterThan(45));
  expect(worker.state).toBe('provider is away: connection refused');
  // After the first wave only single probes are let through.
  away = false;
  await settledAll();
  expect(worker.state).toBe('up');
  expect(attempts).toEqual(Array(40).fill(1));
  expect(worker.parked).toEqual([]);
});

test('an error of the application is an outage when the application says so', async () => {
  await broker.declareConsumer();
  await broker.publish(['a']);
  let calls = 0;
  const worker = await start(
    connection,
    () => {
      if (++calls <= 5) throw new RangeError('the store is full');
    },
    {
      retry: { attempts: 2 },
      classify: (error) =>
        error instanceof RangeError
          ? { kind: 'unavailable', dependency: 'event store', reason: error.message }
          : undefined,
    },
  );
  await settledAll();
  expect(calls).toBe(6);
  expect(worker.states).toContain('event store is away: the store is full');
  expect(worker.parked).toEqual([]);
});

test('a message that keeps failing is parked, then terminated, and its aggregate goes on', async () => {
  await broker.declareConsumer();
  await broker.publish(['a', 'a', 'b']);
  const handled: number[] = [];
  const worker = await start(
    connection,
    ({ position }) => {
      if (position === 1) throw new RangeError('never works');
      handled.push(position);
    },
    { retry: { attempts: 3 } },
  );
  await settledAll();
  expect(handled.sort()).toEqual([2, 3]);
  expect(worker.parked).toEqual([
    expect.objectContaining({
      sequence: 1,
      reason: 'attempts',
      attempts: 3,
      error: { name: 'RangeError', message: 'never works' },
      event: expect.objectContaining({ event_id: 'event-1', aggregate_id: 'a', position: 1 }),
    }),
  ]);
  expect(worker.errors).toEqual(['parked as a dead letter']);
});

test('the decision of a terminal error survives the default exception filter', async () => {
  await broker.declareConsumer();
  await broker.publish(['a']);
  let calls = 0;
  const worker = await start(
    connection,
    () => {
      calls++;
      throw new TerminalError('no such currency');
    },
    { withoutFilter: true },
  );
  await settledAll();
  expect(calls).toBe(1);
  expect(worker.parked).toEqual([
    expect.objectContaining({
      reason: 'terminal',
      error: { name: 'TerminalError', message: 'no such currency' },
    }),
  ]);
});

test('a message is terminated only after its dead letter is stored', async () => {
  await broker.declareConsumer();
  await broker.publish(['a', 'b']);
  let stored = 0;
  let away = true;
  const worker = await start(
    connection,
    () => {
      throw new TerminalError('no');
    },
    {
      deadLetters: {
        park: () => {
          if (away) return Promise.reject(new Error('event store away'));
          stored++;
          return Promise.resolve();
        },
      },
    },
  );
  await eventually(() => expect(worker.state).toBe('dead letters is away: event store away'));
  expect(await broker.unsettled()).toBe(2);
  away = false;
  await settledAll();
  expect(stored).toBe(2);
});

test('a message that is no event is parked with its subject and body, and the others go on', async () => {
  await broker.declareConsumer();
  await broker.publishRaw('ORDERS.created.07', 'not an event');
  await broker.publish(['a']);
  const handled: string[] = [];
  const worker = await start(connection, ({ aggregateId }) => handled.push(aggregateId));
  await settledAll();
  expect(handled).toEqual(['a']);
  expect(worker.parked).toEqual([
    expect.objectContaining({
      reason: 'undecodable',
      message: { subject: 'ORDERS.created.07', headers: {}, body: 'not an event' },
    }),
  ]);
});

test('an event type without a handler is parked, not skipped', async () => {
  await broker.declareConsumer();
  await broker.publish(['a'], 'ORDERS.approved');
  const worker = await start(connection, () => undefined);
  await settledAll();
  expect(worker.parked[0]?.error.message).toContain('no handler for ORDERS.approved');
});

test('a message that ends its process again and again is parked before it is handled', async () => {
  await broker.declareConsumer({ ack_wait: 50e6 });
  await broker.publish(['a']);
  // Every delivery without an outcome stands for a process that died.
  const dying = await Broker.prototype.connect.call(broker);
  const inbox = dying.subscribe('dying', { callback: () => undefined });
  for (let n = 0; n < 4; n++) {
    const seen = inbox.getReceived();
    dying.publish('$JS.API.CONSUMER.MSG.NEXT.ORDERS.payment-worker', '', { reply: 'dying' });
    await eventually(() => expect(inbox.getReceived()).toBe(seen + 1));
  }
  let calls = 0;
  const worker = await start(connection, () => calls++, { retry: { maxDeliveries: 3 } });
  await settledAll();
  expect(calls).toBe(0);
  expect(worker.parked).toEqual([expect.objectContaining({ reason: 'crash-loop', attempts: 0 })]);
});

test('a failure inside an observable is a failure, after its earlier values', async () => {
  await broker.declareConsumer();
  await broker.publish(['a']);
  let subscriptions = 0;
  const worker = await start(connection, () =>
    defer(() => {
      subscriptions++;
      return subscriptions < 3
        ? concat(
            of(1),
            throwError(() => new Error('late')),
          )
        : of(1);
    }),
  );
  await settledAll();
  expect(subscriptions).toBe(3);
  expect(worker.parked).toEqual([]);
});

test('with two handlers of one type both must resolve before the ack, and neither is called twice', async () => {
  await broker.declareConsumer();
  await broker.publish(['a']);
  const calls = { first: 0, second: 0 };
  let release = (): void => undefined;
  const slow = new Promise<void>((resolve) => (release = resolve));
  await start(connection, [
    () => void calls.first++,
    async () => {
      calls.second++;
      await slow;
    },
  ]);
  await eventually(() => expect(calls).toEqual({ first: 1, second: 1 }));
  expect(await broker.unsettled()).toBe(1);
  release();
  await settledAll();
  expect(calls).toEqual({ first: 1, second: 1 });
});

test('metrics count what was handled, failed and redelivered', async () => {
  await broker.declareConsumer();
  await broker.publish(['a', 'b']);
  let failed = false;
  const worker = await start(connection, () => {
    if (failed) return;
    failed = true;
    throw new Error('once');
  });
  await settledAll();
  const text = await worker.metrics.metrics();
  const labels = 'stream="ORDERS",consumer="payment-worker"';
  expect(text).toContain(`headwater_messages_handled_total{${labels},type="ORDERS.created"} 2`);
  expect(text).toContain(`headwater_messages_failed_total{${labels},verdict="failure"} 1`);
  expect(text).toContain(`headwater_messages_in_flight{${labels}} 0`);
});
