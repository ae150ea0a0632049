/** Milliseconds. */
export interface RecoveryTimes {
  count: number;
  p50: number;
  p99: number;
  max: number;
}

/** How long the platform took to work again, by what was done to it. */
export class Recoveries {
  private readonly byKind = new Map<string, number[]>();

  add(kind: string, ms: number): void {
    const times = this.byKind.get(kind);
    if (times) times.push(ms);
    else this.byKind.set(kind, [ms]);
  }

  /** Of each kind, by name; `all` last. */
  summary(): Record<string, RecoveryTimes> {
    const kinds = [...this.byKind].sort(([a], [b]) => (a < b ? -1 : 1));
    const all = kinds.flatMap(([, times]) => times);
    return Object.fromEntries(
      [...kinds, ['all', all] as const].map(([kind, times]) => [kind, timesOf(times)]),
    );
  }
}

export function timesOf(times: readonly number[]): RecoveryTimes {
  const sorted = times.map(Math.round).sort((a, b) => a - b);
  // The smallest value that so large a share of all does not exceed.
  const quantile = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { count: sorted.length, p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) };
}
