import { afterFailure, DEFAULT_RETRY_POLICY, delayAfter, isCrashLoop } from './retry-policy';

const policy = {
  ...DEFAULT_RETRY_POLICY,
  attempts: 4,
  firstDelayMs: 100,
  maxDelayMs: 1_000,
  maxDeliveries: 5,
};

test('waits double from failure to failure up to the bound, half of each is random', () => {
  const shortest = [1, 2, 3, 4, 5, 6].map((n) => delayAfter(n, policy, () => 0));
  const longest = [1, 2, 3, 4, 5, 6].map((n) => delayAfter(n, policy, () => 1));
  expect(shortest).toEqual([50, 100, 200, 400, 500, 500]);
  expect(longest).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(delayAfter(5_000, policy, () => 1)).toBe(1_000);
});

test('the last attempt allowed parks', () => {
  expect(afterFailure(3, policy, () => 0)).toEqual({ retryInMs: 200 });
  expect(afterFailure(4, policy)).toEqual({ park: 'attempts' });
});

test('only a message without an outcome here, delivered above the bound, is a crash loop', () => {
  expect(isCrashLoop(5, 0, policy)).toBe(false);
  expect(isCrashLoop(6, 0, policy)).toBe(true);
  expect(isCrashLoop(6, 1, policy)).toBe(false);
});
