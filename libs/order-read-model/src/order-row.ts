/** An order as the read model keeps it. Amounts are minor units. */
export interface OrderRow {
  orderId: string;
  customerId: string;
  restaurantId: string;
  status: string;
  currency: string;
  amount: bigint;
  debited: bigint;
  voided: bigint;
  voidConfirmed: boolean;
  resolution: string | null;
  paymentKey: string;
  reason: string | null;
  voidAttempts: number;
  /** JSON text: [{code, name, unit_price, quantity}]. */
  items: string;
  createdOn: string;
  /** Version of the last event applied. */
  version: number;
  /** Log position of the last event applied. */
  position: number;
  /** Log position of the `created` event; orders the lists. */
  createdPosition: number;
  /** RFC 3339, time of the last event applied. */
  updatedOn: string;
}
