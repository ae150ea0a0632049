import { OrderClient } from '@headwater/testing-platform';

/**
 * Sees orders become `Approved` through the API, as a client would: the newest approved orders are listed again and
 * again. The time between two lists is part of every latency it reports.
 */
export class Approvals {
  private readonly waiting = new Map<string, { since: number; settle: (ms: number) => void }>();
  /** Seen before the POST's answer arrived. */
  private readonly early = new Map<string, number>();
  private ended = false;
  private watching: Promise<void> | undefined;

  constructor(
    private readonly client: OrderClient,
    private readonly intervalMs = 20,
  ) {}

  start(): void {
    this.watching = this.watch();
  }

  get outstanding(): number {
    return this.waiting.size;
  }

  /**
   * Resolves with the milliseconds from `since` (`performance.now()`) to the first sight of the order as approved.
   */
  approved(orderId: string, since: number): Promise<number> {
    const seen = this.early.get(orderId);
    if (seen !== undefined) {
      this.early.delete(orderId);
      return Promise.resolve(seen - since);
    }
    return new Promise((settle) => this.waiting.set(orderId, { since, settle }));
  }

  private async watch(): Promise<void> {
    for (let rounds = 0; !this.ended; rounds++) {
      const asked = performance.now();
      // A longer page now and then finds those that were approved late.
      const { orders } = await this.client.list({
        status: 'Approved',
        limit: rounds % 25 === 0 ? '200' : '60',
      });
      const now = performance.now();
      for (const { order_id } of orders) this.see(order_id, now);
      if (rounds % 50 === 49) await this.lookForStragglers();
      await new Promise((resolve) =>
        setTimeout(resolve, Math.max(0, this.intervalMs - (performance.now() - asked))),
      );
    }
  }

  private see(orderId: string, now: number): void {
    const waiter = this.waiting.get(orderId);
    if (waiter) {
      this.waiting.delete(orderId);
      waiter.settle(now - waiter.since);
    } else if (!this.seen.has(orderId)) {
      this.early.set(orderId, now);
    }
    this.seen.add(orderId);
  }

  private readonly seen = new Set<string>();

  /** Orders that have long left the first page. */
  private async lookForStragglers(): Promise<void> {
    const old = [...this.waiting].filter(([, { since }]) => performance.now() - since > 1_000).slice(0, 50);
    for (const [orderId] of old) {
      const order = await this.client.get(orderId).catch(() => undefined);
      if (order?.status === 'Approved') this.see(orderId, performance.now());
    }
  }

  async stop(): Promise<void> {
    this.ended = true;
    await this.watching;
  }
}
