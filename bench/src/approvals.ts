import { OrderClient } from '@headwater/testing-platform';

/** Older than this, an order may not be among the newest approved any more. */
const STRAGGLER_MS = 300;

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
    /** Milliseconds between two lists: long where only the rate is measured, because each list costs what it measures. */
    public intervalMs = 50,
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
    while (!this.ended) {
      const asked = performance.now();
      const { orders } = await this.client.list({ status: 'Approved', limit: '100' });
      const now = performance.now();
      for (const { order_id } of orders) this.see(order_id, now);
      await this.lookForStragglers();
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

  /** Orders that may have left the page of the newest: a few of them are asked for by name. */
  private async lookForStragglers(): Promise<void> {
    const old: string[] = [];
    for (const [orderId, { since }] of this.waiting) {
      if (old.length === 8) break;
      if (performance.now() - since > STRAGGLER_MS) old.push(orderId);
    }
    await Promise.all(
      old.map(async (orderId) => {
        const order = await this.client.get(orderId).catch(() => undefined);
        if (order?.status === 'Approved') this.see(orderId, performance.now());
      }),
    );
  }

  async stop(): Promise<void> {
    this.ended = true;
    await this.watching;
  }
}
