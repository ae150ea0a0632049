/** How failures of one message are spaced and when they are enough. Times are milliseconds. */
export interface RetryPolicy {
  /** Failures after which the message becomes a dead letter. */
  attempts: number;
  /** Wait after the first failure. */
  firstDelayMs: number;
  maxDelayMs: number;
  /**
   * Deliveries by the broker after which a message with no outcome known here is taken to kill its process and becomes
   * a dead letter before it is handled. High, because restarts and lost connections deliver again too.
   */
  maxDeliveries: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  attempts: 8,
  firstDelayMs: 100,
  maxDelayMs: 30_000,
  maxDeliveries: 50,
};

/**
 * Exponential backoff with "equal jitter": half of the wait is fixed, half is random, so that messages that failed
 * together do not come back together. Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 *
 * @param failures failures so far, from 1
 * @param random in [0, 1)
 */
export function delayAfter(
  failures: number,
  policy: Pick<RetryPolicy, 'firstDelayMs' | 'maxDelayMs'>,
  random: () => number = Math.random,
): number {
  const whole = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** Math.min(failures - 1, 30));
  return whole / 2 + (whole / 2) * random();
}

/** What follows a failure. */
export type AfterFailure = { retryInMs: number } | { park: 'attempts' };

export function afterFailure(failures: number, policy: RetryPolicy, random?: () => number): AfterFailure {
  if (failures >= policy.attempts) return { park: 'attempts' };
  return { retryInMs: delayAfter(failures, policy, random) };
}

/** True for a message that has been delivered so often, without a failure seen here, that it must end its processes. */
export function isCrashLoop(deliveries: number, failuresHere: number, policy: RetryPolicy): boolean {
  return failuresHere === 0 && deliveries > policy.maxDeliveries;
}
