import { jetstream, JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, createInbox, NatsConnection } from '@nats-io/transport-node';
import * as fc from 'fast-check';
import { eventually, oldestNatsServer, startTestNats, TestNats } from '@headwater/testing';
import { consumerSpecs, named, streamSpecs } from '../test/arbitraries';
import { CONSUMER_TRANSITIONS } from './consumer-rules';
import { consumerSpec } from './consumer-spec';
import { converge, ConvergeOptions } from './converge';
import { Convergence } from './convergence';
import { JetStreamApi } from './jetstream-api';
import { ConsumerInfo, StreamInfo } from './jetstream-info';
import { Desired, desiredConsumer, desiredStream } from './manifest';
import { OWNER_KEY, RESET_KEY, withMetadata } from './mark';
import { remove } from './remove';
import { STREAM_TRANSITIONS } from './stream-rules';
import { streamSpec } from './stream-spec';

type Spec = Record<string, unknown>;
const RUNS = Number(process.env['HEADWATER_PROPERTY_RUNS'] ?? 120);

const stream = (spec: Spec, owner = 'me'): Desired => desiredStream(streamSpec.parse(spec), owner);
const consumer = (spec: Spec, owner = 'me'): Desired => desiredConsumer(consumerSpec.parse(spec), owner);
/** The stream that most consumers here read. */
const CONSUMED = { name: 'CONSUMED', subjects: ['C.>'] };

/** Everything that is promised of one server is promised of the oldest too; what it lacks, it refuses by name. */
describe.each<[name: string, binary: () => Promise<string | undefined>]>([
  ['the pinned nats-server', () => Promise.resolve(process.env['HEADWATER_NATS_SERVER'])],
  ['the oldest nats-server', oldestNatsServer],
])('%s', (_server, binary) => {
  let server: TestNats | undefined;
  let connection: NatsConnection;
  let manager: JetStreamManager;
  let api: JetStreamApi;
  /** Of the server's API: 1 is 2.11, 5 is 2.15. */
  let level: number;
  beforeAll(async () => {
    const found = await binary();
    if (found === undefined) return;
    server = await startTestNats({ binary: found });
    connection = await connect({ servers: server.url });
    manager = await jetstreamManager(connection);
    api = new JetStreamApi(connection);
    level = await api.apiLevel();
    await converge(api, stream(CONSUMED));
  }, 300_000);
  afterAll(async () => {
    if (server === undefined) return;
    await connection.close();
    await server.stop();
  });
  /** Left out where the server can't be had, which the run has said. */
  const proves = (what: string, act: () => Promise<void>): void =>
    test(what, async () => {
      if (server !== undefined) await act();
      else expect(process.env['E2E_REQUIRE']).not.toBe('1');
    });

  let names = 0;
  const newName = (): string => `S${++names}`;
  const apply = (desired: Desired, options: ConvergeOptions = {}): Promise<Convergence> =>
    converge(api, desired, options);
  const configOf = async ({ stream, consumer }: Desired): Promise<Spec | undefined> =>
    (consumer === undefined ? await api.streamInfo(stream) : await api.consumerInfo(stream, consumer))
      ?.config;

  /** The changing requests that are made while something is done. */
  async function writesDuring(act: () => Promise<unknown>): Promise<string[]> {
    const requests = jest.spyOn(connection, 'request');
    try {
      await act();
      return requests.mock.calls.map(([subject]) => subject).filter((subject) => !subject.includes('INFO'));
    } finally {
      requests.mockRestore();
    }
  }

  /** Streams that mirror or source what is not there keep the server busy, and a stream takes a thousand consumers. */
  const tidy = ({ stream, consumer }: Desired): Promise<boolean> =>
    consumer === undefined ? api.deleteStream(stream) : api.deleteConsumer(stream, consumer);

  const streams = streamSpecs
    .map((spec) => (name: string) => named(spec, name))
    .filter((spec) => streamSpec.safeParse(spec('S')).success);
  const consumers = consumerSpecs
    .map((spec) => (durableName: string): Spec => ({ ...spec, streamName: 'CONSUMED', durableName }))
    .filter((spec) => consumerSpec.safeParse(spec('C')).success);
  const kinds: [string, fc.Arbitrary<(name: string) => Spec>, (spec: Spec) => Desired][] = [
    ['stream', streams, stream],
    ['consumer', consumers, consumer],
  ];

  /** Refusals that say what the API server can't know: about other streams, this server, or the order of subjects. */
  const excused = ({ reason, fields, message }: Convergence): boolean =>
    ['Unsupported', 'ServerRefused', 'ImmutableField'].includes(reason) &&
    fields.length > 0 &&
    fields.every((field) => message.includes(field));

  for (const [kind, specs, desired] of kinds) {
    proves(`any valid spec of a ${kind} reads back as no difference, and is not written again`, async () => {
      const outcomes = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(specs, async (spec) => {
          const name = newName();
          const wanted = desired(spec(name));
          const made = await apply(wanted);
          outcomes.set(made.outcome, (outcomes.get(made.outcome) ?? 0) + 1);
          if (made.outcome === 'refused') {
            expect([excused(made), made.terminal, made]).toEqual([true, true, made]);
            expect(await configOf(wanted)).toBeUndefined();
            return;
          }
          expect(made).toMatchObject({ outcome: 'created' });
          const writes = await writesDuring(async () => {
            // A fresh one has learnt nothing of what this server fills in.
            const again = await converge(new JetStreamApi(connection), wanted);
            expect(again).toMatchObject({ outcome: 'unchanged', fields: [] });
          });
          expect(writes).toEqual([]);
          await tidy(wanted);
        }),
        { numRuns: RUNS },
      );
      expect(outcomes.get('created') ?? 0).toBeGreaterThan(outcomes.get('refused') ?? 0);
    });

    proves(
      `any two specs of a ${kind} follow each other, or are refused by the name of the field`,
      async () => {
        await fc.assert(
          fc.asyncProperty(specs, specs, async (from, to) => {
            const name = newName();
            const before = await apply(desired(from(name)));
            if (before.outcome !== 'created') return;
            const after = await apply(desired(to(name)));
            if (after.outcome === 'refused') {
              expect([excused(after), after.terminal, after]).toEqual([true, true, after]);
              expect(await apply(desired(from(name)))).toMatchObject({ outcome: 'unchanged' });
            } else {
              expect(['updated', 'unchanged', after]).toContain(after.outcome);
              expect(await apply(desired(to(name)))).toMatchObject({ outcome: 'unchanged' });
            }
          }),
          { numRuns: RUNS },
        );
      },
    );
  }

  proves('what admission lets through as a change, the server takes', async () => {
    const cases: [(typeof kinds)[number], readonly { holds(to: never, from: never): boolean }[]][] = [
      [kinds[0]!, STREAM_TRANSITIONS],
      [kinds[1]!, CONSUMER_TRANSITIONS],
    ];
    for (const [[, specs, desired], transitions] of cases) {
      await fc.assert(
        fc.asyncProperty(specs, specs, async (from, to) => {
          const name = newName();
          if ((await apply(desired(from(name)))).outcome !== 'created') return;
          const after = await apply(desired(to(name)));
          const holds = transitions.every((rule) => rule.holds(to(name) as never, from(name) as never));
          if (after.reason === 'ImmutableField')
            expect([holds, after, from(name), to(name)]).toEqual([false, after, from(name), to(name)]);
          await tidy(desired(from(name)));
        }),
        { numRuns: RUNS / 2 },
      );
    }
  });

  proves('a switch that is no longer declared is turned off, a limit taken away', async () => {
    const name = newName();
    await apply(stream({ name, allowDirect: true, maxAge: '1h', duplicateWindow: '2s' }));
    const result = await apply(stream({ name, duplicateWindow: '2s' }));
    expect(result).toMatchObject({ outcome: 'updated', fields: ['spec.maxAge', 'spec.allowDirect'] });
    expect(await configOf(stream({ name }))).toMatchObject({ allow_direct: false, max_age: 0 });
  });

  proves('drift is taken back, told by name, or only told when it may not be written', async () => {
    const name = newName();
    const wanted = stream({ name, maxMsgs: 10 });
    await apply(wanted);
    await manager.streams.update(name, { max_msgs: 99, allow_direct: true });
    const seen = await apply(stream({ name, maxMsgs: 10, managementPolicy: 'Observe' }));
    expect(seen).toMatchObject({
      outcome: 'observed',
      reason: 'Drifted',
      fields: ['spec.maxMsgs', 'spec.allowDirect'],
    });
    expect(seen.message).toContain('spec.maxMsgs is 99 instead of 10');
    expect(await apply(wanted, { dryRun: true })).toMatchObject({ outcome: 'updated' });
    expect(await configOf(wanted)).toMatchObject({ max_msgs: 99 });
    expect(await apply(wanted)).toMatchObject({ outcome: 'updated', reason: 'Updated' });
    expect(await configOf(wanted)).toMatchObject({ max_msgs: 10, allow_direct: false });
  });

  proves('an existing object is adopted, or left alone, by policy', async () => {
    const name = newName();
    await manager.streams.add({ name, subjects: [`${name}.x`], max_msgs: 3 });
    const spec = { name, subjects: [`${name}.x`], maxMsgs: 5 };
    expect(await apply(stream({ ...spec, adoptionPolicy: 'Never' }))).toMatchObject({
      outcome: 'refused',
      reason: 'NotAdopted',
      terminal: true,
    });
    expect((await configOf(stream(spec)))?.['max_msgs']).toBe(3);
    expect(await apply(stream(spec))).toMatchObject({ outcome: 'updated', reason: 'Adopted' });
    expect(await configOf(stream(spec))).toMatchObject({ max_msgs: 5, metadata: { [OWNER_KEY]: 'me' } });
    const rival = await apply(stream(spec, 'you'));
    expect(rival).toMatchObject({ outcome: 'refused', reason: 'Conflict' });
    expect(rival.message).toContain('belongs to me');
    expect(await remove(api, stream(spec, 'you'))).toMatchObject({ outcome: 'refused', reason: 'Conflict' });
    expect(await apply(stream({ ...spec, adoptionPolicy: 'Always' }, 'you'))).toMatchObject({
      reason: 'Adopted',
    });
    expect(await apply(stream(spec))).toMatchObject({ reason: 'Conflict' });
  });

  proves('a refusal has a reason, a field and advice', async () => {
    const first = newName();
    await apply(stream({ name: first, subjects: [`${first}.>`] }));
    expect(await apply(stream({ name: newName(), subjects: [`${first}.x`] }))).toMatchObject({
      outcome: 'refused',
      reason: 'SubjectsOverlap',
      fields: ['spec.subjects'],
    });
    expect(await apply(stream({ name: newName(), replicas: 3 }))).toMatchObject({
      outcome: 'refused',
      reason: 'NoPeers',
      fields: ['spec.replicas'],
    });
    expect(await apply(consumer({ streamName: 'NOWHERE', durableName: 'c' }))).toMatchObject({
      outcome: 'waiting',
      reason: 'StreamNotReady',
      terminal: false,
    });
    const absent = { streamName: 'NOWHERE', durableName: 'c' };
    expect(await apply(consumer(absent), { observed: null })).toMatchObject({ reason: 'StreamNotReady' });
  });

  proves('a field that the server lacks is refused before anything is written', async () => {
    const lacking: [Desired, string, number][] = [
      [stream({ name: newName(), allowMsgCounter: true }), '2.12', 2],
      [stream({ name: newName(), persistMode: 'async' }), '2.12', 2],
      [stream({ name: newName(), allowBatched: true }), '2.14', 4],
      [
        consumer({
          ...{ streamName: 'CONSUMED', durableName: newName() },
          priorityPolicy: 'prioritized',
          priorityGroups: ['g'],
        }),
        '2.12',
        2,
      ],
    ];
    for (const [wanted, version, needed] of lacking) {
      const result = await apply(wanted);
      if (needed <= level) expect(result).toMatchObject({ outcome: 'created' });
      else {
        expect(result).toMatchObject({ outcome: 'refused', reason: 'Unsupported', terminal: true });
        expect(result.message).toContain(version);
        expect(await configOf(wanted)).toBeUndefined();
      }
    }
    const old = newName();
    await apply(stream({ name: old }));
    const later = await apply(stream({ name: old, allowAtomicPublish: true }));
    expect(later).toMatchObject(
      level >= 2 ? { outcome: 'updated' } : { reason: 'Unsupported', fields: ['spec.allowAtomicPublish'] },
    );
  });

  proves('a consumer takes the bounds of its stream, and that is no difference', async () => {
    const name = newName();
    await apply(stream({ name, consumerLimits: { maxAckPending: 50, inactiveThreshold: '1h' } }));
    const wanted = consumer({ streamName: name, durableName: 'c' });
    expect(await apply(wanted)).toMatchObject({ outcome: 'created' });
    expect(await configOf(wanted)).toMatchObject({ max_ack_pending: 50, inactive_threshold: 3600e9 });
    expect(await writesDuring(() => apply(wanted))).toEqual([]);
    await manager.consumers.update(name, 'c', { max_ack_pending: 7 });
    expect(await apply(wanted)).toMatchObject({ outcome: 'updated', fields: ['spec.maxAckPending'] });
    expect(await configOf(wanted)).toMatchObject({ max_ack_pending: 50 });
  });

  describe('a pause', () => {
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const later = new Date(Date.now() + 7_200_000).toISOString();
    const paused = (durableName: string, pauseUntil?: string): Desired =>
      consumer({ streamName: 'CONSUMED', durableName, pauseUntil });
    const end = async (name: string): Promise<unknown> =>
      (await api.consumerInfo('CONSUMED', name))?.config['pause_until'];

    proves(
      'that is declared is set, with the consumer or later, and ended when it is declared no more',
      async () => {
        const name = newName();
        expect(await apply(paused(name, until))).toMatchObject({ outcome: 'created' });
        expect(new Date(String(await end(name))).toISOString()).toBe(until);
        expect(await writesDuring(() => apply(paused(name, until)))).toEqual([]);
        expect(await apply(paused(name, later))).toMatchObject({
          outcome: 'updated',
          fields: ['spec.pauseUntil'],
        });
        expect(new Date(String(await end(name))).toISOString()).toBe(later);
        expect(await apply(paused(name))).toMatchObject({ outcome: 'updated' });
        expect((await api.consumerInfo('CONSUMED', name))?.paused ?? false).toBe(false);
        expect(await apply(paused(name))).toMatchObject({ outcome: 'unchanged' });
      },
    );

    proves('set by hand in an emergency stays', async () => {
      const name = newName();
      await apply(paused(name, until));
      await api.pauseConsumer('CONSUMED', name, later);
      await apply(paused(name));
      expect(new Date(String(await end(name))).toISOString()).toBe(later);
      expect(await apply(paused(name))).toMatchObject({ outcome: 'unchanged' });
    });
  });

  describe('a consumer that somebody has deleted', () => {
    const START: [string, Spec][] = [
      ['from the beginning', {}],
      ['from a sequence', { deliverPolicy: 'byStartSequence', optStartSeq: 2 }],
      ['from now on', { deliverPolicy: 'new' }],
      ['all at once acknowledged', { ackPolicy: 'all' }],
    ];
    for (const [how, spec] of START) {
      proves(`and that reads ${how} goes on behind its ack floor`, async () => {
        const name = newName();
        await apply(stream({ name, subjects: [`${name}.x`] }));
        const wanted = consumer({ streamName: name, durableName: 'c', ...spec });
        await apply(wanted);
        for (let n = 1; n <= 10; n++) await connection.request(`${name}.x`, String(n));
        await pull(name, 6);
        const before = await settledFloor(name);
        const { created } = (await api.streamInfo(name)) as StreamInfo;
        await manager.consumers.delete(name, 'c');
        const known = { created, ackFloor: before };
        expect(await apply(wanted, { known, previouslySeen: true })).toMatchObject({
          outcome: 'created',
          reason: 'Recreated',
        });
        expect((await pull(name, 10 - before))[0]).toBe(before + 1);
        expect(await apply(wanted)).toMatchObject({ outcome: 'unchanged' });
        expect(
          await apply(consumer({ streamName: name, durableName: 'c', ...spec, maxAckPending: 5 })),
        ).toMatchObject({
          outcome: 'updated',
          fields: ['spec.maxAckPending'],
        });
        expect((await api.consumerInfo(name, 'c'))?.paused ?? false).toBe(false);
        if (level >= 4 && spec['deliverPolicy'] === undefined)
          expect(await configOf(wanted)).toMatchObject({ deliver_policy: 'all' });
      });
    }

    proves('shows nothing that was acknowledged to those who wait for messages', async () => {
      const name = newName();
      await apply(stream({ name, subjects: [`${name}.x`] }));
      const wanted = consumer({ streamName: name, durableName: 'c' });
      await apply(wanted);
      for (let n = 1; n <= 20; n++) await connection.request(`${name}.x`, String(n));
      expect(await pull(name, 10)).toHaveLength(10);
      const known = { created: (await api.streamInfo(name))?.created, ackFloor: await settledFloor(name) };
      await api.deleteConsumer(name, 'c');
      // Requests without pause, as workers make them while nobody answers.
      const seen: string[] = [];
      const inbox = createInbox();
      const answers = connection.subscribe(inbox, {
        callback: (_error, message) => void (message.reply && seen.push(message.reply)),
      });
      const asking = setInterval(
        () =>
          connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${name}.c`, '{"batch":5,"expires":1000000000}', {
            reply: inbox,
          }),
        1,
      );
      try {
        await apply(wanted, { known, previouslySeen: true });
        await eventually(() => expect(seen.length).toBeGreaterThanOrEqual(10));
      } finally {
        clearInterval(asking);
        answers.unsubscribe();
      }
      const sequences = seen.map((reply) => Number(reply.split('.').at(-4)));
      expect(Math.min(...sequences)).toBe(11);
    });

    proves('is finished by the next one when its maker has died half way', async () => {
      const name = newName();
      await apply(stream({ name, subjects: [`${name}.x`] }));
      for (let n = 1; n <= 4; n++) await connection.request(`${name}.x`, String(n));
      const wanted = consumer({ streamName: name, durableName: 'c' });
      if (level < 4) return expect(await apply(wanted)).toMatchObject({ outcome: 'created' });
      const half = withMetadata(wanted.config, { [RESET_KEY]: '3' });
      const until = new Date(Date.now() + 3_600_000).toISOString();
      await api.writeConsumer(name, 'c', { ...half, pause_until: until }, 'create');
      expect(await apply(wanted)).toMatchObject({ outcome: 'updated' });
      expect((await api.consumerInfo(name, 'c'))?.paused ?? false).toBe(false);
      expect(await pull(name, 2)).toEqual([3, 4]);
      expect(await apply(wanted)).toMatchObject({ outcome: 'unchanged' });
    });

    proves('begins as declared when its stream is another one', async () => {
      const name = newName();
      await apply(stream({ name, subjects: [`${name}.x`] }));
      const wanted = consumer({ streamName: name, durableName: 'c' });
      for (let n = 1; n <= 3; n++) await connection.request(`${name}.x`, String(n));
      await apply(wanted, { known: { created: '2020-01-01T00:00:00Z', ackFloor: 2 }, previouslySeen: true });
      expect((await pull(name, 3))[0]).toBe(1);
    });

    proves('is not made again when that is not wanted', async () => {
      const wanted = consumer({ streamName: 'CONSUMED', durableName: newName(), recreatePolicy: 'Never' });
      expect(await apply(wanted, { previouslySeen: true })).toMatchObject({
        outcome: 'missing',
        reason: 'Missing',
        terminal: true,
      });
      expect(await configOf(wanted)).toBeUndefined();
    });

    /** Stream sequences of the next messages, which are acknowledged. */
    async function pull(name: string, count: number): Promise<number[]> {
      const { consumers } = jetstream(connection);
      const messages = await (await consumers.get(name, 'c')).fetch({ max_messages: count, expires: 5000 });
      const sequences: number[] = [];
      for await (const message of messages) {
        sequences.push(message.seq);
        await message.ackAck();
      }
      return sequences;
    }
    /** The ack floor as the server tells it, which follows the acknowledgements by a moment. */
    const settledFloor = (name: string): Promise<number> =>
      eventually(async () => {
        const info = (await api.consumerInfo(name, 'c')) as ConsumerInfo;
        expect(info.num_ack_pending).toBe(0);
        expect(info.ack_floor.stream_seq).toBeGreaterThan(0);
        return info.ack_floor.stream_seq;
      });
  });

  describe('deletion', () => {
    proves('takes only what bears the mark, and a stream with messages only when forced', async () => {
      const name = newName();
      const wanted = stream({ name, subjects: [`${name}.x`] });
      await apply(wanted);
      await apply(consumer({ streamName: name, durableName: 'reader' }));
      await connection.request(`${name}.x`, '1');
      const refused = await remove(api, wanted);
      expect(refused).toMatchObject({ outcome: 'refused', reason: 'HasMessages', dependants: ['reader'] });
      expect(refused.message).toContain('1 messages and 1 consumers (reader)');
      expect(await remove(api, wanted, { force: true })).toMatchObject({ outcome: 'deleted' });
      expect(await remove(api, wanted)).toMatchObject({ outcome: 'absent' });
      expect(await remove(api, consumer({ streamName: name, durableName: 'reader' }))).toMatchObject({
        outcome: 'absent',
      });
      const unmarked = newName();
      await manager.streams.add({ name: unmarked });
      expect(await remove(api, stream({ name: unmarked }))).toMatchObject({
        outcome: 'refused',
        reason: 'NotAdopted',
      });
    });
  });

  proves('lists are read page by page', async () => {
    const name = newName();
    await apply(stream({ name }));
    const wanted = Array.from({ length: 300 }, (_, n) => `c${n}`);
    for (let n = 0; n < wanted.length; n += 50)
      await Promise.all(
        wanted.slice(n, n + 50).map((durableName) => apply(consumer({ streamName: name, durableName }))),
      );
    const found: string[] = [];
    for await (const info of api.listConsumers(name)) found.push(info.name);
    expect(found.sort()).toEqual(wanted.sort());
    const all: string[] = [];
    for await (const info of api.listStreams()) all.push(String(info.config['name']));
    expect(all).toContain(name);
    expect(new Set(all).size).toBe(all.length);
  });
});
