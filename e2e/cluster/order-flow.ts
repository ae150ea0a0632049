import { eventually } from '@headwater/testing';
import { checkOrders, OrderClient, orderOf, type ReachablePlatform } from '@headwater/testing-platform';

/** Orders that are placed while something happens to the platform, and what became of all of them. */
export class OrderFlow {
  /** Every order that was answered with 201. */
  readonly accepted = new Set<string>();
  private rounds = 0;

  constructor(
    private readonly client: OrderClient,
    private readonly lanes = 8,
  ) {}

  /** Places orders until `work` is done, and at least so many. */
  async while(least: number, work: () => Promise<void>): Promise<void> {
    const before = this.accepted.size;
    const round = this.rounds++;
    let done = false;
    const placing = Array.from({ length: this.lanes }, async (_, lane) => {
      for (let n = 0; !done || this.accepted.size - before < least; n += 1) {
        const key = `${round}-${lane}-${n}`;
        const { order_id: id } = await this.client.placeSurely(orderOf(`customer-${n % 50}`, 100 + n), key);
        this.accepted.add(id);
      }
    });
    try {
      await work();
    } finally {
      done = true;
      await Promise.all(placing);
    }
  }

  /** Waits until nothing moves any more, then takes everything into account. */
  async allEndedRight(platform: ReachablePlatform): Promise<void> {
    await eventually(
      async () => {
        for (const status of ['Pending', 'PaymentDebited', 'Declined', 'Rejected', 'Voiding'])
          expect((await this.client.list({ status, limit: '1' })).orders).toEqual([]);
      },
      120_000,
      500,
    );
    const account = await eventually(() => checkOrders(platform, this.accepted), 120_000, 1_000);
    expect(account.statuses['Approved']).toBe(account.orders - (account.statuses['Cancelled'] ?? 0));
    expect(account.deadLetters).toBe(0);
    process.stderr.write(`${account.orders} orders taken into account\n`);
  }
}
