/** Nanoseconds of the units of Go's duration syntax. */
const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
/** Go's syntax without a sign: JetStream has no use for negative durations. */
export const DURATION = /^(?:0|(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|μs|ms|s|m|h))+)$/u;
const PART = /(\d+)(?:\.(\d+))?(ns|us|µs|μs|ms|s|m|h)/gu;

/** A hundred years; Go can't hold much more. */
export const LONGEST_DURATION = '876000h';
const LONGEST = 876_000n * 3_600_000_000_000n;

/**
 * Nanoseconds of a duration in Go's syntax, such as `1h30m`, `2s` or `1.5s`; exact up to 104 days, beyond that to within a
 * microsecond, as JSON numbers are. Source of the syntax: Go, `time.ParseDuration`.
 *
 * @throws RangeError when the text is no duration, or longer than a hundred years
 */
export function parseDuration(text: string): number {
  if (!DURATION.test(text))
    throw new RangeError(`must be a duration such as "30s" or "1h30m", is ${JSON.stringify(text)}`);
  let total = 0n;
  for (const [, whole = '0', fraction = '', unit = ''] of text.matchAll(PART)) {
    const size = NANOSECONDS[unit] ?? 0n;
    total += BigInt(whole) * size;
    if (fraction !== '') total += (BigInt(fraction) * size) / 10n ** BigInt(fraction.length);
  }
  if (total > LONGEST)
    throw new RangeError(`must be ${LONGEST_DURATION} or less, is ${JSON.stringify(text)}`);
  return Number(total);
}

/** Nanoseconds; 0 for what is absent, and for what is malformed, which its own field reports. */
export function nanoseconds(text: string | undefined): number {
  try {
    return text === undefined ? 0 : parseDuration(text);
  } catch {
    return 0;
  }
}

const UNITS: readonly [string, number][] = [
  ['h', 3600e9],
  ['m', 60e9],
  ['s', 1e9],
  ['ms', 1e6],
  ['us', 1e3],
  ['ns', 1],
];

/** A number of nanoseconds as a manifest would say it, `1h30m`. */
export function formatDuration(nanoseconds: number): string {
  let left = nanoseconds;
  let text = '';
  for (const [unit, size] of UNITS) {
    const whole = Math.floor(left / size);
    if (whole > 0) text += `${whole}${unit}`;
    left -= whole * size;
  }
  return text || '0';
}
