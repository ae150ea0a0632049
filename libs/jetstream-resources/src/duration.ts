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
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h))+$/u;
const PART = /(\d+)(?:\.(\d+))?(ns|us|µs|μs|ms|s|m|h)/gu;

/** The longest duration that a Go program can hold, 292 years. */
const LONGEST = 2n ** 63n - 1n;

/**
 * Nanoseconds of a duration in Go's syntax, such as `1h30m`, `2s` or `1.5s`. No sign: JetStream has no use for negative
 * ones. Source of the syntax: Go, `time.ParseDuration`.
 *
 * @throws RangeError when the text is no duration, or has more digits than a JSON number can carry to the server
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  if (!WHOLE.test(text))
    throw new RangeError(`must be a duration such as "30s" or "1h30m", is ${JSON.stringify(text)}`);
  let total = 0n;
  for (const [, whole = '0', fraction = '', unit = ''] of text.matchAll(PART)) {
    const size = NANOSECONDS[unit] ?? 0n;
    total += BigInt(whole) * size;
    if (fraction !== '') total += (BigInt(fraction) * size) / 10n ** BigInt(fraction.length);
  }
  const nanoseconds = Number(total);
  if (total > LONGEST || BigInt(nanoseconds) !== total) {
    throw new RangeError(`can't be sent exactly: ${JSON.stringify(text)} is too long or too precise`);
  }
  return nanoseconds;
}
