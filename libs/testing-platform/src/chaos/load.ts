import { setTimeout as sleep } from 'node:timers/promises';
import { HttpRefusal, OrderClient, orderOf } from '../order-client';
import { seededRandom } from '../random';

/** Longest wait for one answer; then the same is asked again. */
const ANSWER_MS = 4_000;
/** Callers at once; when all of them wait for answers no more is placed. */
const CALLERS = 64;

/**
 * Customers who do not give up: each POST is repeated under its key until it is answered. Some are declined, some rejected,
 * and some change their mind.
 */
export class Load {
  /** Order id by the key of its POST. */
  readonly accepted = new Map<string, string>();
  private readonly client: OrderClient;
  private readonly random: () => number;
  private readonly underWay = new Set<Promise<void>>();
  private readonly failures: unknown[] = [];
  private stopped = false;
  private next = 0;
  private probes = 0;
  private placing: Promise<void> | undefined;

  constructor(
    api: string,
    private readonly seed: number,
  ) {
    this.client = new OrderClient(api, CALLERS, ANSWER_MS);
    this.random = seededRandom(seed + 1);
  }

  start(ordersPerSecond: number): void {
    this.placing = this.placeAtRate(ordersPerSecond);
  }

  /** Resolves when every POST has had its answer. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.placing;
    await Promise.all(this.underWay);
    if (this.failures.length > 0)
      throw new Error(`${this.failures.length} calls of the order API were refused`, {
        cause: this.failures[0],
      });
  }

  close(): Promise<void> {
    return this.client.close();
  }

  /**
   * Places one more order and waits until it is visible as approved.
   *
   * @throws when it has ended otherwise
   */
  async probe(giveUpAfterMs: number): Promise<void> {
    const key = `probe-${this.seed}-${++this.probes}`;
    const { order_id } = await this.client.placeSurely(orderOf(key, 700), key);
    this.accepted.set(key, order_id);
    for (const deadline = Date.now() + giveUpAfterMs; Date.now() < deadline;) {
      const order = await this.client.get(order_id).catch(() => undefined);
      // Whoever waits too long for its payment is cancelled: that is no failure, and the platform works.
      if (order?.status === 'Approved' || order?.status === 'Cancelled') return;
      await sleep(20);
    }
    throw new Error(`order ${order_id} has not ended within ${giveUpAfterMs / 1000} s`);
  }

  private async placeAtRate(ordersPerSecond: number): Promise<void> {
    const started = performance.now();
    let skipped = 0;
    while (!this.stopped) {
      const due = ((performance.now() - started) / 1000) * ordersPerSecond;
      for (; this.next + skipped < due;) {
        if (this.underWay.size >= CALLERS) {
          skipped++;
          continue;
        }
        const call = this.placeOne(this.next++).catch((error: unknown) => void this.failures.push(error));
        this.underWay.add(call);
        void call.finally(() => this.underWay.delete(call));
      }
      await sleep(10);
    }
  }

  private async placeOne(n: number): Promise<void> {
    const drawn = this.random();
    const hesitates = drawn > 0.94;
    const customer = drawn < 0.04 ? 'declined-1' : drawn < 0.08 ? 'rejected-1' : `customer-${n % 500}`;
    const key = `chaos-${this.seed}-${n}`;
    const afterMs = this.random() * 300;
    const { order_id } = await this.client.placeSurely(orderOf(customer, 100 + (n % 900)), key);
    this.accepted.set(key, order_id);
    if (!hesitates) return;
    await sleep(afterMs);
    await this.cancelSurely(order_id);
  }

  /** Until it is accepted, or too late. */
  private async cancelSurely(id: string): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.client.call(
          'POST',
          `/api/orders/${id}/cancel`,
          JSON.stringify({ reason: 'changed my mind' }),
        );
        return;
      } catch (error) {
        if (error instanceof HttpRefusal && error.status === 409) return;
        if ((error instanceof HttpRefusal && error.status !== 503) || attempt > 600) throw error;
        await sleep(100);
      }
    }
  }
}
