import type { NatsConnection } from '@nats-io/transport-node';

/** Knows whether the connection is up, and tells when it is lost and when it is back. */
export class NatsLink {
  private readonly listeners = new Set<(up: boolean) => void>();
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

  close(): void {
    this.ended = true;
    this.listeners.clear();
  }

  private async follow(nats: NatsConnection): Promise<void> {
    // Ends by itself when the connection is closed.
    for await (const { type } of nats.status()) {
      if (this.ended) return;
      if (type === 'disconnect' || type === 'reconnect') {
        this.connected = type === 'reconnect';
        for (const listener of this.listeners) listener(this.connected);
      }
    }
  }
}
