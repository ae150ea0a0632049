import { runChaos } from '@headwater/testing-platform';

const SEED = Number(process.env['HEADWATER_TEST_SEED'] ?? 1 + (Date.now() % 1_000_000));
const said: string[] = [];

test(`killed, paused and cut off under load, with two replicas of everybody: nothing lost, doubled or half-paid (HEADWATER_TEST_SEED=${SEED})`, async () => {
  const report = await runChaos({
    seed: SEED,
    minutes: 0.3,
    kills: 7,
    ordersPerSecond: 15,
    longestMs: 3_000,
    say: (line) => void said.push(line),
  });
  if (report.faults.length > 0) throw new Error([...report.faults, ...said].join('\n'));
  expect(report).toMatchObject({ lost: 0, doubled: 0, halfPaid: 0, account: { deadLetters: 0 } });
  expect(report.account?.orders).toBeGreaterThan(50);
  expect(Object.values(report.strikes).reduce((sum, count) => sum + count, 0)).toBe(7 + 2 + 2 + 1);
  expect(report.recovery['all']?.count).toBeGreaterThan(0);
}, 400_000);
