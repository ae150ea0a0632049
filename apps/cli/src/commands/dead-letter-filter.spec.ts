import { type DeadLetter, type ParkedDeadLetter } from '@headwater/contracts';
import { age, choose, duration, positionsOf } from './dead-letter-filter';

const now = Date.parse('2026-01-01T01:00:00.000Z');

const letter = (
  position: number,
  consumer: string,
  reason: ParkedDeadLetter['reason'],
  aggregate: string,
  recordedAt: string,
): DeadLetter => ({
  position,
  state: 'parked',
  history: [],
  parking: { recordedAt } as DeadLetter['parking'],
  parked: { consumer, reason, event: { aggregate_id: aggregate } } as ParkedDeadLetter,
});

const letters = [
  letter(1, 'payment-worker', 'terminal', 'a', '2026-01-01T00:00:00.000Z'),
  letter(2, 'payment-worker', 'attempts', 'b', '2026-01-01T00:30:00.000Z'),
  letter(3, 'review-worker', 'attempts', 'a', '2026-01-01T00:59:30.000Z'),
];
const chosen = (ids: number[], filter: Parameters<typeof choose>[2]): number[] =>
  choose(letters, ids, filter, now).map(({ position }) => position);

test('everything that is asked for must fit', () => {
  expect(chosen([], {})).toEqual([1, 2, 3]);
  expect(chosen([], { consumer: 'payment-worker' })).toEqual([1, 2]);
  expect(chosen([], { parkedFor: 'attempts' })).toEqual([2, 3]);
  expect(chosen([], { aggregate: 'a' })).toEqual([1, 3]);
  expect(chosen([], { olderThan: 1_800 })).toEqual([1, 2]);
  expect(chosen([], { youngerThan: 60 })).toEqual([3]);
  expect(chosen([1, 3], { parkedFor: 'attempts' })).toEqual([3]);
  expect(chosen([9], {})).toEqual([]);
});

test('times and numbers of the command line', () => {
  expect(['90s', '15m', '2h', '7d'].map(duration)).toEqual([90, 900, 7_200, 604_800]);
  expect(() => duration('2 weeks')).toThrow('for example 15m');
  expect(positionsOf(['3', '17'])).toEqual([3, 17]);
  expect(() => positionsOf(['0'])).toThrow('0 is no dead letter');
  expect([5, 300, 10_000, 200_000].map(age)).toEqual(['5 s', '5 min', '2 h', '2 d']);
});
