/** One bucket of tokens per key, each refilled by one token every `refillMs` up to `burst`. */
export class TokenBuckets {
  /** Least recently used first. */
  private readonly buckets = new Map<string, { tokens: number; at: number }>();

  constructor(
    private readonly burst: number,
    private readonly refillMs: number,
    private readonly most = 10_000,
  ) {}

  /** True when there was a token. */
  take(key: string, now = performance.now()): boolean {
    const before = this.buckets.get(key);
    const tokens =
      before === undefined
        ? this.burst
        : Math.min(this.burst, before.tokens + (now - before.at) / this.refillMs);
    this.buckets.delete(key);
    this.buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    const [oldest] = this.buckets.keys();
    // A forgotten bucket is a full one.
    if (this.buckets.size > this.most && oldest !== undefined) this.buckets.delete(oldest);
    return tokens >= 1;
  }
}
