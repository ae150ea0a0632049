/** Minor units. */
export interface Debit {
  /** Id of the order's `created` event. */
  key: string;
  orderId: string;
  customerId: string;
  amount: bigint;
  currency: string;
}

export type DebitResult =
  | { status: 'debited'; paymentId: string; amount: bigint }
  | { status: 'declined'; code: string; message: string }
  /** The key has been voided: the provider holds nothing for it and never will. */
  | { status: 'refused' };

/** What was given back, in minor units: 0 when nothing had been debited. */
export interface VoidResult {
  amount: bigint;
  paymentId?: string;
}

/**
 * Whoever takes the money. Both calls are idempotent by key; a confirmed void makes every later debit of the key fail,
 * and a decline is final. Outages are thrown as DependencyUnavailable, a request that will never be taken as
 * TerminalError.
 */
export interface PaymentProvider {
  debit(debit: Debit, signal?: AbortSignal): Promise<DebitResult>;
  void(key: string, signal?: AbortSignal): Promise<VoidResult>;
}
