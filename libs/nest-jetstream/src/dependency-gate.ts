import { delayAfter } from './retry-policy';

/** Leave to begin one handling; handed back with its result. */
export type Pass = number & { readonly __pass?: never };

export interface GateClosed {
  dependency: string;
  reason: string;
}

/** A probe costs one failed call a process; what waits longer than this between two is time lost after an outage. */
const PROBES = { firstDelayMs: 200, maxDelayMs: 1_500 };

/**
 * Stands before every handling. A dependency that is away closes it; after a backoff one message at a time is let
 * through as a probe, and the first that succeeds opens it. What happened to messages that were under way when it
 * closed says nothing new and is ignored.
 */
export class DependencyGate {
  private epoch = 0;
  private failures = 0;
  private shut: GateClosed | undefined;
  private probe: 'waiting' | 'due' | 'under way' = 'waiting';
  private timer: NodeJS.Timeout | undefined;

  /** @param changed is called when it closes, when a probe is due, and when it opens */
  constructor(
    private readonly changed: () => void,
    private readonly delays: { firstDelayMs: number; maxDelayMs: number } = PROBES,
  ) {}

  get closed(): GateClosed | undefined {
    return this.shut;
  }

  /** Leave to handle one message, or undefined while nothing may be handled. */
  enter(): Pass | undefined {
    if (!this.shut) return this.epoch;
    if (this.probe !== 'due') return undefined;
    this.probe = 'under way';
    return this.epoch;
  }

  /** The dependency has answered, whatever became of the message. */
  answered(pass: Pass): void {
    if (pass !== this.epoch || !this.shut) return;
    this.shut = undefined;
    this.failures = 0;
    this.changed();
  }

  /** The dependency is away. */
  unavailable(pass: Pass, closed: GateClosed): void {
    if (pass !== this.epoch) return;
    this.epoch++;
    this.failures++;
    this.shut = closed;
    this.probe = 'waiting';
    this.timer = setTimeout(
      () => {
        this.probe = 'due';
        this.changed();
      },
      delayAfter(this.failures, this.delays),
    );
    this.changed();
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
