import { exponentOf } from '@headwater/contracts';

/** What a review looks at. `amount` is in minor units. */
export interface PaidOrder {
  orderId: string;
  customerId: string;
  amount: bigint;
  currency: string;
}

export type Review = { approve: true } | { approve: false; code: string; message: string };

/** The rule that paid orders are judged by; replace it with your own. Throws DependencyUnavailable when it can't say. */
export type ReviewPolicy = (order: PaidOrder) => Review | Promise<Review>;

export interface ReviewRules {
  /** Highest amount approved, in whole units of whatever currency the order has. */
  approveUpTo: bigint;
  /** Customers whose orders are rejected: ids, or beginnings of ids followed by `*`. */
  rejectedCustomers: readonly string[];
}

/** The default policy: approves up to an amount and rejects listed customers. */
export function reviewByRules({ approveUpTo, rejectedCustomers }: ReviewRules): ReviewPolicy {
  const ids = new Set(rejectedCustomers.filter((entry) => !entry.endsWith('*')));
  const beginnings = rejectedCustomers
    .filter((entry) => entry.endsWith('*'))
    .map((entry) => entry.slice(0, -1));
  return ({ customerId, amount, currency }) => {
    if (ids.has(customerId) || beginnings.some((beginning) => customerId.startsWith(beginning))) {
      return {
        approve: false,
        code: 'customer_rejected',
        message: 'the customer is on the list of rejected customers',
      };
    }
    if (amount > approveUpTo * 10n ** BigInt(exponentOf(currency))) {
      return {
        approve: false,
        code: 'amount_rejected',
        message: `the amount is above ${approveUpTo} ${currency}`,
      };
    }
    return { approve: true };
  };
}
