import {
  type DeadLetter,
  decideDiscard,
  decideRedrive,
  foldDeadLetters,
  LOGS,
  RecordedEvent,
} from '@headwater/contracts';
import { decideOnDeadLetters, EventIdClash } from '@headwater/eventstore-client';
import { eventually } from '@headwater/testing';
import { createdEvent, OrderLog } from '@headwater/testing-platform';
import { AckPolicy, jetstreamManager } from '@nats-io/jetstream';
import { carryLog } from '../test/carry-log';
import { Broker, CONSUMER, Handle, Worker } from '../test/fixture';
import { DeadLetterLog, TerminalError } from './index';

let broker: Broker;
let log: OrderLog;
let stopCarrying: (() => Promise<void>)[] = [];
let workers: Worker[] = [];
const ada = { by: 'ada', reason: 'mended' };
const isClash = (error: unknown): boolean => error instanceof EventIdClash;

async function declare(consumer: string): Promise<void> {
  const manager = await jetstreamManager(await broker.connect());
  for (const [stream, filter] of [
    [LOGS.orders, 'ORDERS.created'],
    [LOGS.deadLetters, 'DEADLETTERS.redriven'],
  ] as const)
    await manager.consumers.add(stream, {
      durable_name: consumer,
      ack_policy: AckPolicy.Explicit,
      ack_wait: 1e9,
      max_deliver: -1,
      filter_subjects: [filter, `${filter}.*`],
    });
}

async function start(
  handle: Handle,
  { parkBehind = false, consumer = CONSUMER, store = log as Pick<OrderLog, keyof OrderLog> } = {},
): Promise<Worker> {
  const worker = await Worker.start(await broker.connect(), handle, {
    consumer,
    deadLetters: new DeadLetterLog(store, isClash),
    readLog: (name, options) => log.readLog(name, options),
    redrive: { store, isClash, parkBehind },
    stopDeadlineMs: 300,
    retry: { attempts: 2 },
  });
  workers.push(worker);
  return worker;
}

const letters = async (): Promise<DeadLetter[]> => {
  const events: RecordedEvent[] = [];
  for await (const page of log.readLog(LOGS.deadLetters, { after: 0 })) events.push(...page);
  return foldDeadLetters(events);
};

const states = async (): Promise<string[]> =>
  (await letters()).map(({ parked, state }) => `${parked.sequence} ${parked.reason} ${state}`);

const parked = (count: number): Promise<DeadLetter[]> =>
  eventually(async () => {
    const all = await letters();
    expect(all).toHaveLength(count);
    return all;
  });

const redrive = (letter: DeadLetter): ReturnType<typeof decideOnDeadLetters> =>
  decideOnDeadLetters(log, letter.parking.aggregateId, (all) => decideRedrive(all, letter.position, ada));

const discard = (letter: DeadLetter): ReturnType<typeof decideOnDeadLetters> =>
  decideOnDeadLetters(log, letter.parking.aggregateId, (all) => decideDiscard(all, [letter.position], ada));

const unsettled = async (consumer = CONSUMER): Promise<number> => {
  const manager = await jetstreamManager(await broker.connect());
  const infos = await Promise.all(Object.values(LOGS).map((name) => manager.consumers.info(name, consumer)));
  return infos.reduce((sum, info) => sum + info.num_pending + info.num_ack_pending, 0);
};

beforeEach(async () => {
  [broker, log] = await Promise.all([Broker.start(), OrderLog.create()]);
  const connection = await broker.connect();
  stopCarrying = await Promise.all(Object.values(LOGS).map((name) => carryLog(log, name, connection)));
  await declare(CONSUMER);
});

afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  workers = [];
  await Promise.all(stopCarrying.map((stop) => stop()));
  await Promise.all([broker.stop(), log.close()]);
});

test('a redriven message is handled under its own id by the worker that failed, and by no other', async () => {
  let broken = true;
  const handled: string[] = [];
  const others: string[] = [];
  await declare('review-worker');
  await start(({ eventId }) => {
    if (broken) throw new TerminalError('broken');
    handled.push(eventId);
  });
  await start(({ eventId }) => void others.push(eventId), { consumer: 'review-worker' });
  const created = await log.given('a', createdEvent('a'));
  const [letter] = await parked(1);
  broken = false;
  await redrive(letter!);
  await eventually(async () => expect(await states()).toEqual(['1 terminal handled']));
  await eventually(async () => expect(await unsettled()).toBe(0));
  await eventually(async () => expect(await unsettled('review-worker')).toBe(0));
  expect(handled).toEqual([created.eventId]);
  expect(others).toEqual([created.eventId]);
  expect((await letters())[0]?.history).toMatchObject([
    { name: 'redriven', by: 'ada', reason: 'mended' },
    { name: 'handled' },
  ]);
});

test('it waits while the worker is down, and one that is discarded meanwhile is not handled', async () => {
  const worker = await start(() => {
    throw new TerminalError('broken');
  });
  await log.given('a', createdEvent('a'));
  await log.given('b', createdEvent('b'));
  const [a, b] = await parked(2);
  await worker.stop();
  await redrive(a!);
  await redrive(b!);
  await discard(a!);
  const handled: string[] = [];
  await start(({ aggregateId }) => void handled.push(aggregateId));
  await eventually(async () => expect(await unsettled()).toBe(0));
  expect(handled).toEqual([b!.parked.event!.aggregate_id]);
  expect((await states()).sort()).toEqual([
    `${a!.parked.sequence} terminal discarded`,
    `${b!.parked.sequence} terminal handled`,
  ]);
});

test('what fails again is parked again, and a redrive of that works', async () => {
  let failures = 3;
  const attempts: number[] = [];
  await start((_event, { attempt }) => {
    attempts.push(attempt);
    if (failures-- > 0) throw new Error('still broken');
  });
  await log.given('a', createdEvent('a'));
  const [first] = await parked(1);
  await redrive(first!);
  // One failure more, and the second attempt of the redrive succeeds.
  await eventually(async () => expect(await states()).toEqual(['1 attempts handled']));
  expect(attempts).toEqual([1, 2, 1, 2]);

  failures = 4;
  await log.given('b', createdEvent('b'));
  const [, second] = await parked(2);
  await redrive(second!);
  const [, , third] = await parked(3);
  expect(third?.parked).toMatchObject({ sequence: 2, redrive: 1, reason: 'attempts', attempts: 2 });
  await redrive(third!);
  await eventually(async () =>
    expect(await states()).toEqual(['1 attempts handled', '2 attempts parked-again', '2 attempts handled']),
  );
  await eventually(async () => expect(await unsettled()).toBe(0));
});

test('a worker that dies between the effect and its record handles it again under the same id, and records it once', async () => {
  const handled: string[] = [];
  let broken = true;
  let dead = false;
  // Its appends get no answer from the moment of its death on.
  const mortal: Pick<OrderLog, keyof OrderLog> = Object.assign(Object.create(log) as OrderLog, {
    append: (...args: Parameters<OrderLog['append']>) =>
      dead ? new Promise<never>(() => undefined) : log.append(...args),
  });
  const first = await start(
    ({ eventId }) => {
      if (broken) throw new TerminalError('broken');
      handled.push(eventId);
      dead = true;
    },
    { store: mortal },
  );
  await log.given('a', createdEvent('a'));
  const [letter] = await parked(1);
  broken = false;
  await redrive(letter!);
  await eventually(() => expect(handled).toHaveLength(1));
  expect(await states()).toEqual(['1 terminal redriven']);
  const stopped = first.stop();
  await start(({ eventId }) => void handled.push(eventId));
  await eventually(async () => expect(await states()).toEqual(['1 terminal handled']));
  await eventually(async () => expect(await unsettled()).toBe(0));
  expect(new Set(handled).size).toBe(1);
  expect((await letters())[0]?.history.map(({ name }) => name)).toEqual(['redriven', 'handled']);
  await stopped;
}, 30_000);

test('later events of an aggregate wait behind its dead letter, and follow it in order; other aggregates go on', async () => {
  let broken = true;
  const handled: string[] = [];
  const worker = await start(
    ({ aggregateId, position }) => {
      if (broken && aggregateId === 'a') throw new TerminalError('broken');
      handled.push(`${aggregateId}${position}`);
    },
    { parkBehind: true },
  );
  for (const id of ['a', 'b', 'a', 'a', 'b']) await log.given(id, createdEvent(id));
  const [first] = await parked(3);
  expect(await states()).toEqual(['1 terminal parked', '3 behind parked', '4 behind parked']);
  await eventually(() => expect(handled).toEqual(['b2', 'b5']));

  // A worker that has just started knows of them too.
  await worker.stop();
  broken = false;
  await start(({ aggregateId, position }) => void handled.push(`${aggregateId}${position}`), {
    parkBehind: true,
  });
  await log.given('a', createdEvent('a'));
  await parked(4);
  expect(await redrive((await letters())[1]!)).toEqual({
    refused: expect.stringContaining('behind') as unknown,
  });
  await redrive(first!);
  await eventually(async () =>
    expect((await letters()).every(({ state }) => state === 'handled')).toBe(true),
  );
  expect(handled).toEqual(['b2', 'b5', 'a1', 'a3', 'a4', 'a6']);
  // The line is gone, and nothing waits any more.
  await log.given('a', createdEvent('a'));
  await eventually(() => expect(handled.at(-1)).toBe('a7'));
  await eventually(async () => expect(await unsettled()).toBe(0));
  expect(await letters()).toHaveLength(4);
});

test('a discard releases what waited behind it', async () => {
  const handled: number[] = [];
  await start(
    ({ position }) => {
      if (position === 1) throw new TerminalError('broken for ever');
      handled.push(position);
    },
    { parkBehind: true },
  );
  for (let n = 0; n < 3; n++) await log.given('a', createdEvent('a'));
  const [first] = await parked(3);
  await discard(first!);
  await eventually(() => expect(handled).toEqual([2, 3]));
  await eventually(async () =>
    expect(await states()).toEqual(['1 terminal discarded', '2 behind handled', '3 behind handled']),
  );
});

test.each([
  ['somebody terminates past the worker', '+TERM by hand', -1],
  ['has come to a limit that somebody has declared', '-NAK', 1],
])('a message that %s is parked from the log, and can be redriven', async (_what, answer, max_deliver) => {
  const handled: number[] = [];
  let hold = true;
  const limited = await jetstreamManager(await broker.connect());
  await limited.consumers.update(LOGS.orders, CONSUMER, { max_deliver });
  const worker = await start(
    ({ position }) =>
      new Promise<void>((resolve) => {
        if (hold) return;
        handled.push(position);
        resolve();
      }),
  );
  await eventually(() => expect(worker.state).toBe('up'));
  await log.given('a', createdEvent('a'));
  const connection = await broker.connect();
  const manager = await jetstreamManager(connection);
  await eventually(async () => {
    expect((await manager.consumers.info(LOGS.orders, CONSUMER)).num_ack_pending).toBe(1);
  });
  // Stream, consumer, deliveries, stream and consumer sequence, time, pending: what an ack subject is made of.
  connection.publish(`$JS.ACK.${LOGS.orders}.${CONSUMER}.1.1.1.${Date.now()}000000.0`, answer);
  const [letter] = await parked(1);
  expect(letter?.parked).toMatchObject({ reason: 'given-up', sequence: 1, event: { aggregate_id: 'a' } });
  hold = false;
  await redrive(letter!);
  await eventually(async () => expect(await states()).toEqual(['1 given-up handled']));
  expect(handled).toEqual([1]);
  expect(worker.errors).toContain('the broker has given a message up and there is no dead letter of it');
});
