import * as fc from 'fast-check';
import { consumerSpecs, named, streamSpecs } from '../test/arbitraries';
import { configOf, consumer, newName, onEachServer, Spec, stream, writesDuring } from '../test/each-server';
import { CONSUMER_TRANSITIONS } from './consumer-rules';
import { consumerSpec } from './consumer-spec';
import { converge } from './converge';
import { Convergence } from './convergence';
import { JetStreamApi } from './jetstream-api';
import { Desired } from './manifest';
import { STREAM_TRANSITIONS } from './stream-rules';
import { streamSpec } from './stream-spec';

const RUNS = Number(process.env['HEADWATER_PROPERTY_RUNS'] ?? 100);

onEachServer((proves, apply) => {
  /** Streams that mirror or source what is not there keep the server busy, and a stream takes a thousand consumers. */
  const tidy = (api: JetStreamApi, { stream, consumer }: Desired): Promise<boolean> =>
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
    proves(
      `any valid spec of a ${kind} reads back as no difference, and is not written again`,
      async (server) => {
        const { connection } = server;
        const outcomes = new Map<string, number>();
        await fc.assert(
          fc.asyncProperty(specs, async (spec) => {
            const name = newName();
            const wanted = desired(spec(name));
            const made = await apply(wanted);
            outcomes.set(made.outcome, (outcomes.get(made.outcome) ?? 0) + 1);
            if (made.outcome === 'refused') {
              expect([excused(made), made.terminal, made]).toEqual([true, true, made]);
              expect(await configOf(server, wanted)).toBeUndefined();
              return;
            }
            expect(made).toMatchObject({ outcome: 'created' });
            const writes = await writesDuring(server, async () => {
              // A fresh one has learnt nothing of what this server fills in.
              const again = await converge(new JetStreamApi(connection), wanted);
              expect(again).toMatchObject({ outcome: 'unchanged', fields: [] });
            });
            expect(writes).toEqual([]);
            await tidy(server.api, wanted);
          }),
          { numRuns: RUNS },
        );
        expect(outcomes.get('created') ?? 0).toBeGreaterThan(outcomes.get('refused') ?? 0);
      },
    );

    proves(
      `any two specs of a ${kind} follow each other, or are refused by the name of the field`,
      async (server) => {
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
              // A fresh one has learnt nothing of what this server fills in.
              const again = await converge(new JetStreamApi(server.connection), desired(to(name)));
              expect(again).toMatchObject({ outcome: 'unchanged' });
            }
            await tidy(server.api, desired(from(name)));
          }),
          { numRuns: RUNS },
        );
      },
    );
  }

  proves('what admission lets through as a change, the server takes', async (server) => {
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
          await tidy(server.api, desired(from(name)));
        }),
        { numRuns: RUNS / 2 },
      );
    }
  });
});
