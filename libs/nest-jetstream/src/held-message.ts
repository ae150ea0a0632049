import { Delivery, identityOf } from './delivery';

/** A message that a process has taken and not settled. */
export interface HeldMessage {
  readonly delivery: Delivery;
  /** What it waits in line for: its aggregate, or itself when it is no event. */
  readonly aggregate: string;
  readonly identity: string;
  /** Failures of the handler in this process. Outages are not among them. */
  failures: number;
  firstFailure: number;
  lastFailure: number;
  running: boolean;
  /** Set once its parking has been decided; tried until the dead letter is stored. */
  parking?: { reason: 'terminal' | 'attempts' | 'crash-loop' | 'undecodable' | 'behind'; error: unknown };
  retry?: NodeJS.Timeout;
}

export function hold(delivery: Delivery): HeldMessage {
  const { content } = delivery;
  return {
    delivery,
    aggregate: 'event' in content ? content.event.aggregateId : `#${delivery.sequence}`,
    identity: identityOf(delivery),
    failures: 0,
    firstFailure: 0,
    lastFailure: 0,
    running: false,
  };
}

/**
 * The last settled messages, so that one whose ack was lost with a connection is acked again instead of handled again
 * after its successors.
 */
export class RecentlySettled {
  private readonly bySequence = new Map<number, { identity: string; as: 'ack' | 'term' }>();

  constructor(private readonly size = 8_192) {}

  add(sequence: number, identity: string, as: 'ack' | 'term'): void {
    this.bySequence.delete(sequence);
    this.bySequence.set(sequence, { identity, as });
    if (this.bySequence.size <= this.size) return;
    for (const oldest of this.bySequence.keys()) {
      this.bySequence.delete(oldest);
      return;
    }
  }

  /** How the very message was settled, if it was. */
  get(sequence: number, identity: string): 'ack' | 'term' | undefined {
    const known = this.bySequence.get(sequence);
    return known?.identity === identity ? known.as : undefined;
  }

  clear(): void {
    this.bySequence.clear();
  }
}
