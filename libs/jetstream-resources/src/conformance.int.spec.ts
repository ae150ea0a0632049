import {
  configOf,
  consumer,
  newName,
  onEachServer,
  ServerUnderTest,
  stream,
  writesDuring,
} from '../test/each-server';
import { isAsDeclared } from './converge';
import { Desired } from './manifest';
import { OWNER_KEY } from './mark';
import { remove } from './remove';

onEachServer((proves, apply) => {
  proves('a switch that is no longer declared is turned off, a limit taken away', async (server) => {
    const name = newName();
    await apply(stream({ name, allowDirect: true, maxAge: '1h', duplicateWindow: '2s' }));
    const result = await apply(stream({ name, duplicateWindow: '2s' }));
    expect(result).toMatchObject({ outcome: 'updated', fields: ['spec.maxAge', 'spec.allowDirect'] });
    expect(await configOf(server, stream({ name }))).toMatchObject({ allow_direct: false, max_age: 0 });
  });

  proves('drift is taken back, told by name, or only told when it may not be written', async (server) => {
    const { manager } = server;
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
    expect(await configOf(server, wanted)).toMatchObject({ max_msgs: 99 });
    expect(await apply(wanted)).toMatchObject({ outcome: 'updated', reason: 'Updated' });
    expect(await configOf(server, wanted)).toMatchObject({ max_msgs: 10, allow_direct: false });
  });

  proves('an existing object is adopted, or left alone, by policy', async (server) => {
    const { api, manager } = server;
    const name = newName();
    await manager.streams.add({ name, subjects: [`${name}.x`], max_msgs: 3 });
    const spec = { name, subjects: [`${name}.x`], maxMsgs: 5 };
    expect(await apply(stream({ ...spec, adoptionPolicy: 'Never' }))).toMatchObject({
      outcome: 'refused',
      reason: 'NotAdopted',
      terminal: true,
    });
    expect((await configOf(server, stream(spec)))?.['max_msgs']).toBe(3);
    expect(await apply(stream(spec))).toMatchObject({ outcome: 'updated', reason: 'Adopted' });
    expect(await configOf(server, stream(spec))).toMatchObject({
      max_msgs: 5,
      metadata: { [OWNER_KEY]: 'me' },
    });
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

  proves('a field that the server lacks is refused before anything is written', async (server) => {
    const { level } = server;
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
        expect(await configOf(server, wanted)).toBeUndefined();
      }
    }
    const old = newName();
    await apply(stream({ name: old }));
    const later = await apply(stream({ name: old, allowAtomicPublish: true }));
    expect(later).toMatchObject(
      level >= 2 ? { outcome: 'updated' } : { reason: 'Unsupported', fields: ['spec.allowAtomicPublish'] },
    );
  });

  proves('a consumer takes the bounds of its stream, and that is no difference', async (server) => {
    const { manager } = server;
    const name = newName();
    await apply(stream({ name, consumerLimits: { maxAckPending: 50, inactiveThreshold: '1h' } }));
    const wanted = consumer({ streamName: name, durableName: 'c' });
    expect(await apply(wanted)).toMatchObject({ outcome: 'created' });
    expect(await configOf(server, wanted)).toMatchObject({ max_ack_pending: 50, inactive_threshold: 3600e9 });
    expect(await writesDuring(server, () => apply(wanted))).toEqual([]);
    await manager.consumers.update(name, 'c', { max_ack_pending: 7 });
    expect(await apply(wanted)).toMatchObject({ outcome: 'updated', fields: ['spec.maxAckPending'] });
    expect(await configOf(server, wanted)).toMatchObject({ max_ack_pending: 50 });
  });

  proves('what a list tells is enough to see that something differs', async ({ api, manager }) => {
    const name = newName();
    const wanted = stream({ name });
    await apply(wanted);
    const held = async () => (await api.streamInfo(name))?.config ?? {};
    expect(isAsDeclared(api, wanted, await held())).toBe(true);
    expect(isAsDeclared(api, stream({ name }, 'you'), await held())).toBe(false);
    await manager.streams.update(name, { max_msgs: 3 });
    expect(isAsDeclared(api, wanted, await held())).toBe(false);
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const reader = consumer({ streamName: 'CONSUMED', durableName: name, pauseUntil: until });
    await apply(reader);
    const ofReader = async () => (await api.consumerInfo('CONSUMED', name))?.config ?? {};
    expect(isAsDeclared(api, reader, await ofReader())).toBe(true);
    await api.pauseConsumer('CONSUMED', name, undefined);
    expect(isAsDeclared(api, reader, await ofReader())).toBe(false);
  });

  describe('a pause', () => {
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const later = new Date(Date.now() + 7_200_000).toISOString();
    const paused = (durableName: string, pauseUntil?: string): Desired =>
      consumer({ streamName: 'CONSUMED', durableName, pauseUntil });
    const end = async ({ api }: ServerUnderTest, name: string): Promise<unknown> =>
      (await api.consumerInfo('CONSUMED', name))?.config['pause_until'];

    proves(
      'that is declared is set, with the consumer or later, and ended when it is declared no more',
      async (server) => {
        const { api } = server;
        const name = newName();
        expect(await apply(paused(name, until))).toMatchObject({ outcome: 'created' });
        expect(new Date(String(await end(server, name))).toISOString()).toBe(until);
        expect(await writesDuring(server, () => apply(paused(name, until)))).toEqual([]);
        expect(await apply(paused(name, later))).toMatchObject({
          outcome: 'updated',
          fields: ['spec.pauseUntil'],
        });
        expect(new Date(String(await end(server, name))).toISOString()).toBe(later);
        expect(await apply(paused(name))).toMatchObject({ outcome: 'updated' });
        expect((await api.consumerInfo('CONSUMED', name))?.paused ?? false).toBe(false);
        expect(await apply(paused(name))).toMatchObject({ outcome: 'unchanged' });
      },
    );

    proves('set by hand in an emergency stays', async (server) => {
      const { api } = server;
      const name = newName();
      await apply(paused(name, until));
      await api.pauseConsumer('CONSUMED', name, later);
      await apply(paused(name));
      expect(new Date(String(await end(server, name))).toISOString()).toBe(later);
      expect(await apply(paused(name))).toMatchObject({ outcome: 'unchanged' });
    });
  });

  describe('deletion', () => {
    proves('takes only what bears the mark, and a stream with messages only when forced', async (server) => {
      const { api, connection, manager } = server;
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

  proves('lists are read page by page', async (server) => {
    const { api } = server;
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
