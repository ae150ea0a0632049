import type { Known } from '@headwater/jetstream-resources';

/**
 * What was last seen of each claim, while this process leads: at most one round old. Statuses hold the same for whoever
 * leads next.
 */
export class Positions {
  private readonly streams = new Map<string, string>();
  private readonly consumers = new Map<string, Known>();

  noteStream(claim: string, created: string): void {
    this.streams.set(claim, created);
  }

  noteConsumer(claim: string, position: Known): void {
    this.consumers.set(claim, position);
  }

  /** When a stream was made; undefined when it has not been looked at yet. */
  streamCreated(claim: string): string | undefined {
    return this.streams.get(claim);
  }

  of(claim: string): Known | undefined {
    return this.consumers.get(claim);
  }

  forget(claim: string): void {
    this.streams.delete(claim);
    this.consumers.delete(claim);
  }
}
