import { OrderRow } from '@headwater/order-read-model';

/**
 * Rows as last committed. The lease-holder is their only writer, so what it wrote need not be read again; an order's
 * three events come within a moment of each other. Bounded: the orders written longest ago leave first.
 */
export class RowCache {
  private readonly rows = new Map<string, OrderRow>();

  constructor(private readonly capacity = 5_000) {}

  get(orderId: string): OrderRow | undefined {
    return this.rows.get(orderId);
  }

  put(row: OrderRow): void {
    this.rows.delete(row.orderId);
    this.rows.set(row.orderId, row);
    if (this.rows.size <= this.capacity) return;
    const oldest = this.rows.keys().next();
    if (!oldest.done) this.rows.delete(oldest.value);
  }

  clear(): void {
    this.rows.clear();
  }
}
