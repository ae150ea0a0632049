/** One thing a process needs before it can do its work. Starts as down. */
export interface Dependency {
  up(): void;
  down(reason: string): void;
}

/**
 * Whether a process can do its work now. A dependency that is away makes it not ready, never not alive: restarting
 * would not bring the dependency back.
 */
export class Readiness {
  private readonly reasons = new Map<string, string | undefined>();
  private readonly listeners = new Set<(ready: boolean) => void>();
  private wasReady = false;

  declare(name: string): Dependency {
    this.reasons.set(name, 'not there yet');
    return {
      up: () => this.set(name, undefined),
      down: (reason) => this.set(name, reason),
    };
  }

  private set(name: string, reason: string | undefined): void {
    this.reasons.set(name, reason);
    if (this.ready === this.wasReady) return;
    this.wasReady = this.ready;
    for (const listener of this.listeners) listener(this.ready);
  }

  get ready(): boolean {
    return [...this.reasons.values()].every((reason) => reason === undefined);
  }

  /** What each dependency lacks; null when it is there. */
  report(): Record<string, string | null> {
    return Object.fromEntries([...this.reasons].map(([name, reason]) => [name, reason ?? null]));
  }

  onChange(listener: (ready: boolean) => void): void {
    this.listeners.add(listener);
  }
}
