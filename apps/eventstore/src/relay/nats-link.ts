import { NatsConnection, PermissionViolationError } from '@nats-io/transport-node';

/** Knows whether the connection is up, and tells when it is lost, when it is back, and what its user may not do. */
export class NatsLink {
  private readonly listeners = new Set<(up: boolean) => void>();
  private readonly refusals = new Set<(refusal: PermissionViolationError) => void>();
  private ended = false;
  private connected = true;

  constructor(nats: NatsConnection) {
    void this.follow(nats);
  }

  get up(): boolean {
    return this.connected;
  }

  /** @returns takes the listener away again */
  onChange(listener: (up: boolean) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * A refused publish gets no answer, only this.
   *
   * @returns takes the listener away again
   */
  onRefusal(listener: (refusal: PermissionViolationError) => void): () => void {
    this.refusals.add(listener);
    return () => this.refusals.delete(listener);
  }

  close(): void {
    this.ended = true;
    this.listeners.clear();
    this.refusals.clear();
  }

  private async follow(nats: NatsConnection): Promise<void> {
    // Ends by itself when the connection is closed.
    for await (const status of nats.status()) {
      if (this.ended) return;
      if (status.type === 'disconnect' || status.type === 'reconnect') {
        this.connected = status.type === 'reconnect';
        for (const listener of this.listeners) listener(this.connected);
      } else if (status.type === 'error' && status.error instanceof PermissionViolationError) {
        for (const listener of this.refusals) listener(status.error);
      }
    }
  }
}
