import { timesOf } from './recovery';
import { kindOf, planRounds, ScheduleOptions, Strike } from './schedule';
import { checkTimers } from './timers';

const PROCESSES = ['postgres', 'nats-server', 'payment', 'payment-2', 'order'];
const OPTIONS: ScheduleOptions = {
  seed: 5,
  kills: 40,
  lengthMs: 60_000,
  longestMs: 8_000,
  processes: PROCESSES,
  links: [
    { process: 'payment', server: 'nats' },
    { process: 'order', server: 'grpc' },
  ],
};

const strikesOf = (options: ScheduleOptions): Strike[] =>
  planRounds(options).flatMap(({ strikes }) => strikes);

test('a seed plans the same again, another seed something else', () => {
  expect(planRounds(OPTIONS)).toEqual(planRounds(OPTIONS));
  expect(planRounds({ ...OPTIONS, seed: 6 })).not.toEqual(planRounds(OPTIONS));
});

test.each([1, 2, 3, 4, 5])(
  'every process is killed as often as the others, and the store wiped once (seed %d)',
  (seed) => {
    const strikes = strikesOf({ ...OPTIONS, seed });
    const killed = PROCESSES.map(
      (process) => strikes.filter((one) => one.kind === 'kill' && one.process === process).length,
    );
    expect(killed).toEqual([8, 8, 8, 8, 8]);
    expect(strikes.filter(({ kind }) => kind === 'wipe')).toHaveLength(1);
    expect(strikes.filter(({ kind }) => kind === 'pause')).toHaveLength(12);
    expect(strikes).toHaveLength(40 + 12 + 12 + 1);
  },
);

test('rounds follow one another within the time, and nothing lasts longer than it may', () => {
  const rounds = planRounds(OPTIONS);
  const times = rounds.map(({ at }) => at);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times.at(-1)).toBeLessThan(OPTIONS.lengthMs);
  expect(rounds.some(({ strikes }) => strikes.length === 2)).toBe(true);
  for (const strike of strikesOf(OPTIONS)) {
    if ('ms' in strike) {
      expect(strike.ms).toBeGreaterThan(0);
      expect(strike.ms).toBeLessThanOrEqual(8_000);
    }
  }
});

test('replicas are of one kind', () => {
  expect(kindOf({ kind: 'kill', process: 'payment-2' })).toBe('kill payment');
  expect(kindOf({ kind: 'kill', process: 'nats-server' })).toBe('kill nats-server');
});

test('quantiles are values that were measured', () => {
  expect(timesOf([3, 1, 2])).toEqual({ count: 3, p50: 2, p99: 3, max: 3 });
  expect(timesOf([])).toEqual({ count: 0, p50: 0, p99: 0, max: 0 });
  const hundred = Array.from({ length: 200 }, (_, n) => n + 1);
  expect(timesOf(hundred)).toEqual({ count: 200, p50: 100, p99: 198, max: 200 });
});

test('a timer that fires early or twice is seen, and what was late only while something was struck is told apart', () => {
  const decided = (attempt: number, handledMs: number, dueAt: number) => ({
    log: 'ORDERS',
    position: 1,
    eventId: `e${attempt}`,
    eventType: 'ORDERS.voidrequested',
    aggregateId: 'o1',
    aggregateType: 'order',
    version: 1,
    data: JSON.stringify({ attempt }),
    recordedAt: '2026-01-01T00:00:00.000Z',
    metadata: {
      delivery: {
        worker: 'coordinator',
        instance: 'host:1',
        attempt: 1,
        receivedAt: new Date(dueAt).toISOString(),
        handledMs,
      },
    },
  });
  const good = checkTimers(
    [decided(1, 100, 1_000), decided(2, 3_000, 5_000)],
    [{ from: 4_000, until: 6_000 }],
  );
  expect(good).toMatchObject({
    faults: [],
    timers: { all: { max: 3_000 }, undisturbed: { count: 1, max: 100 } },
  });
  expect(checkTimers([decided(1, 0, 1), decided(1, 0, 1)], []).faults).toHaveLength(1);
  expect(checkTimers([decided(1, -5, 1)], []).faults).toHaveLength(1);
});
