import { ExpectedVersion } from '@headwater/contracts';
import { BatchState, decideBatch, KnownEvent } from './decide-batch';
import { EventIdClash, VersionConflict } from './errors';
import { PreparedAppend } from './request';
import { prepareAppend } from './validate';

/** An append of events, named by their ids, to one aggregate. */
function append(aggregateId: string, expected: ExpectedVersion, ids: string[], data = '{}'): PreparedAppend {
  const events = ids.map((eventId) => ({ eventId, eventType: 'T.e', data, metadata: '' }));
  return prepareAppend({ log: 'T', aggregates: [{ aggregateId, aggregateType: 'a', expected, events }] });
}

const state = (
  head: number,
  versions: Record<string, number> = {},
  known: [string, KnownEvent][] = [],
): BatchState => ({ head, versions: new Map(Object.entries(versions)), known: new Map(known) });

const stored = (position: number, version: number, one: PreparedAppend): KnownEvent => ({
  log: 'T',
  position,
  version,
  digest: one.aggregates[0]?.events[0]?.digest ?? '',
});

test('accepted events get the next positions and versions', () => {
  const { outcomes, events, heads } = decideBatch(
    [append('x', 'any', ['1', '2']), append('y', 'no_stream', ['3']), append('x', 3, ['4'])],
    state(10, { x: 1 }),
  );
  expect(outcomes).toEqual([
    {
      repeated: false,
      events: [
        { eventId: '1', position: 11, version: 2 },
        { eventId: '2', position: 12, version: 3 },
      ],
    },
    { repeated: false, events: [{ eventId: '3', position: 13, version: 1 }] },
    { repeated: false, events: [{ eventId: '4', position: 14, version: 4 }] },
  ]);
  expect(events.map(({ position }) => position)).toEqual([11, 12, 13, 14]);
  expect(heads.get('x')).toEqual({ aggregateType: 'a', version: 4 });
});

test.each<[ExpectedVersion, number, boolean]>([
  ['any', 0, true],
  ['any', 5, true],
  ['no_stream', 0, true],
  ['no_stream', 1, false],
  ['exists', 0, false],
  ['exists', 1, true],
  [0, 0, true],
  [2, 2, true],
  [2, 3, false],
  [3, 2, false],
])('expected %p at version %p', (expected, version, fits) => {
  const { outcomes, events } = decideBatch([append('x', expected, ['1'])], state(0, { x: version }));
  expect(outcomes[0] instanceof VersionConflict).toBe(!fits);
  expect(events).toHaveLength(fits ? 1 : 0);
  if (!fits) expect(outcomes[0]).toMatchObject({ actual: version, expected: String(expected) });
});

test('the same events again get the first result before any look at versions', () => {
  const one = append('x', 'no_stream', ['1']);
  const { outcomes, events } = decideBatch([one], state(9, { x: 7 }, [['1', stored(3, 1, one)]]));
  expect(outcomes).toEqual([{ repeated: true, events: [{ eventId: '1', position: 3, version: 1 }] }]);
  expect(events).toEqual([]);
});

test('within a batch, too', () => {
  const { outcomes, events } = decideBatch(
    [append('x', 'no_stream', ['1']), append('x', 'no_stream', ['1']), append('x', 'no_stream', ['2'])],
    state(0),
  );
  expect(outcomes[1]).toEqual({ repeated: true, events: [{ eventId: '1', position: 1, version: 1 }] });
  expect(outcomes[2]).toBeInstanceOf(VersionConflict);
  expect(events).toHaveLength(1);
});

test('an id with other content, or an append known only in part, is a clash that leaves the others alone', () => {
  const { outcomes, events } = decideBatch(
    [
      append('x', 'any', ['1']),
      append('x', 'any', ['1'], '{"other":1}'),
      append('z', 'any', ['1']),
      append('x', 'any', ['1', '2']),
      append('x', 'any', ['3']),
    ],
    state(0),
  );
  expect(outcomes.map((outcome) => outcome instanceof EventIdClash)).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
  expect(events.map(({ eventId, position }) => [eventId, position])).toEqual([
    ['1', 1],
    ['3', 2],
  ]);
});

test('an append to several aggregates is all or nothing', () => {
  const both = prepareAppend({
    log: 'T',
    aggregates: ['x', 'y'].map((aggregateId, index) => ({
      aggregateId,
      aggregateType: 'a',
      expected: 'no_stream',
      events: [{ eventId: `${index}`, eventType: 'T.e', data: '', metadata: '' }],
    })),
  });
  const { outcomes, events, heads } = decideBatch([both], state(0, { y: 1 }));
  expect(outcomes[0]).toMatchObject({ name: 'VersionConflict', aggregateId: 'y', actual: 1 });
  expect(events).toEqual([]);
  expect(heads.size).toBe(0);
});
