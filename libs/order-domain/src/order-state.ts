import { Currency } from '@headwater/contracts';

/** The same words in HTTP and SQL. `Approved` and `Cancelled` are final. */
export const ORDER_STATUSES = [
  'Pending',
  'PaymentDebited',
  'Declined',
  'Rejected',
  'Cancelling',
  'Voiding',
  'Approved',
  'Cancelled',
  'NeedsAttention',
] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** What is known about the order's money, whatever its status. Amounts are minor units. */
export interface Books {
  debited: bigint;
  /** Given back. */
  voided: bigint;
  /** The provider has confirmed that it holds nothing for the order and will take nothing. */
  voidConfirmed: boolean;
  /** How a person settled what could not be voided. */
  resolution?: 'voided' | 'written-off';
}

export interface PlacedOrder {
  orderId: string;
  customerId: string;
  restaurantId: string;
  currency: Currency;
  /** Minor units. */
  amount: bigint;
  /** Id of the `created` event: the key under which the provider debits and voids. */
  paymentKey: string;
}

export type OrderState =
  | { status: 'None'; version: 0 }
  | {
      status: OrderStatus;
      /** Version of the last event folded. */
      version: number;
      order: PlacedOrder;
      books: Books;
      /** Why the order is ending without a purchase, once that is known. */
      reason?: string;
      /** Void requests so far. */
      voidAttempts: number;
    };

export const initialOrder: OrderState = { status: 'None', version: 0 };

export const isFinal = (status: OrderState['status']): boolean =>
  status === 'Approved' || status === 'Cancelled';

/** Money the provider still holds for the order, in minor units. */
export const heldBy = (books: Books): bigint => books.debited - books.voided;
