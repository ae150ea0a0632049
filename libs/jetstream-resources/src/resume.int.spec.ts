import { jetstream } from '@nats-io/jetstream';
import { createInbox } from '@nats-io/transport-node';
import { eventually } from '@headwater/testing';
import {
  configOf,
  consumer,
  newName,
  onEachServer,
  ServerUnderTest,
  Spec,
  stream,
} from '../test/each-server';
import { ConsumerInfo, StreamInfo } from './jetstream-info';
import { RESET_KEY, withMetadata } from './mark';
import { ackFloorOf } from './resume';

onEachServer((proves, apply) => {
  describe('a consumer that somebody has deleted', () => {
    const START: [string, Spec][] = [
      ['from the beginning', {}],
      ['from a sequence', { deliverPolicy: 'byStartSequence', optStartSeq: 2 }],
      ['from now on', { deliverPolicy: 'new' }],
      ['all at once acknowledged', { ackPolicy: 'all' }],
    ];
    for (const [how, spec] of START) {
      proves(`and that reads ${how} goes on behind its ack floor`, async (server) => {
        const { api, connection, manager, level } = server;
        const name = newName();
        await apply(stream({ name, subjects: [`${name}.x`] }));
        const wanted = consumer({ streamName: name, durableName: 'c', ...spec });
        await apply(wanted);
        for (let n = 1; n <= 10; n++) await connection.request(`${name}.x`, String(n));
        await pull(server, name, 6);
        const before = await settledFloor(server, name);
        const { created } = (await api.streamInfo(name)) as StreamInfo;
        await manager.consumers.delete(name, 'c');
        const known = { created, ackFloor: before };
        expect(await apply(wanted, { known, previouslySeen: true })).toMatchObject({
          outcome: 'created',
          reason: 'Recreated',
          message: `had been deleted and has been made again; it goes on behind sequence ${before}`,
        });
        expect((await pull(server, name, 10 - before))[0]).toBe(before + 1);
        expect(await apply(wanted)).toMatchObject({ outcome: 'unchanged' });
        expect(
          await apply(consumer({ streamName: name, durableName: 'c', ...spec, maxAckPending: 5 })),
        ).toMatchObject({
          outcome: 'updated',
          fields: ['spec.maxAckPending'],
        });
        expect((await api.consumerInfo(name, 'c'))?.paused ?? false).toBe(false);
        if (level >= 4 && spec['deliverPolicy'] === undefined)
          expect(await configOf(server, wanted)).toMatchObject({ deliver_policy: 'all' });
      });
    }

    proves('shows nothing that was acknowledged to those who wait for messages', async (server) => {
      const { api, connection } = server;
      const name = newName();
      await apply(stream({ name, subjects: [`${name}.x`] }));
      const wanted = consumer({ streamName: name, durableName: 'c' });
      await apply(wanted);
      for (let n = 1; n <= 20; n++) await connection.request(`${name}.x`, String(n));
      expect(await pull(server, name, 10)).toHaveLength(10);
      const known = {
        created: (await api.streamInfo(name))?.created,
        ackFloor: await settledFloor(server, name),
      };
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

    proves('is finished by the next one when its maker has died half way', async (server) => {
      const { api, connection, level } = server;
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
      expect(await pull(server, name, 2)).toEqual([3, 4]);
      expect(await apply(wanted)).toMatchObject({ outcome: 'unchanged' });
    });

    proves(
      'goes on behind the same floor when it is deleted again before it has acknowledged anything',
      async (server) => {
        const { api, connection } = server;
        const name = newName();
        await apply(stream({ name, subjects: [`${name}.x`] }));
        for (let n = 1; n <= 5; n++) await connection.request(`${name}.x`, String(n));
        const wanted = consumer({ streamName: name, durableName: 'c' });
        const created = (await api.streamInfo(name))?.created;
        for (let again = 0; again < 2; again++) {
          const ackFloor = again === 0 ? 3 : ackFloorOf((await api.consumerInfo(name, 'c')) as ConsumerInfo);
          await api.deleteConsumer(name, 'c');
          await apply(wanted, { known: { created, ackFloor }, previouslySeen: true });
        }
        expect(await pull(server, name, 2)).toEqual([4, 5]);
      },
    );

    proves('begins as declared when its stream is another one', async (server) => {
      const { connection } = server;
      const name = newName();
      await apply(stream({ name, subjects: [`${name}.x`] }));
      const wanted = consumer({ streamName: name, durableName: 'c' });
      for (let n = 1; n <= 3; n++) await connection.request(`${name}.x`, String(n));
      await apply(wanted, { known: { created: '2020-01-01T00:00:00Z', ackFloor: 2 }, previouslySeen: true });
      expect((await pull(server, name, 3))[0]).toBe(1);
    });

    proves('is not made again when that is not wanted', async (server) => {
      const wanted = consumer({ streamName: 'CONSUMED', durableName: newName(), recreatePolicy: 'Never' });
      expect(await apply(wanted, { previouslySeen: true })).toMatchObject({
        outcome: 'missing',
        reason: 'Missing',
        terminal: true,
      });
      expect(await configOf(server, wanted)).toBeUndefined();
    });

    /** Stream sequences of the next messages, which are acknowledged. */
    async function pull({ connection }: ServerUnderTest, name: string, count: number): Promise<number[]> {
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
    const settledFloor = ({ api }: ServerUnderTest, name: string): Promise<number> =>
      eventually(async () => {
        const info = (await api.consumerInfo(name, 'c')) as ConsumerInfo;
        expect(info.num_ack_pending).toBe(0);
        expect(info.ack_floor.stream_seq).toBeGreaterThan(0);
        return info.ack_floor.stream_seq;
      });
  });
});
