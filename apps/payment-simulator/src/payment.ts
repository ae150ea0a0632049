/** A debit as asked for. `amount` is in minor units. */
export interface DebitRequest {
  key: string;
  orderId: string;
  customerId: string;
  amount: bigint;
  currency: string;
}

export interface Decline {
  code: string;
  message: string;
}

/** What is known under a key. */
export interface Payment {
  key: string;
  /** What the first debit came to; undefined when the key was voided before any. */
  debit?:
    | { outcome: 'debited'; request: DebitRequest; paymentId: string }
    | { outcome: 'declined'; request: DebitRequest; decline: Decline };
  voided: boolean;
}

export type DebitAnswer =
  | { kind: 'debited'; paymentId: string; amount: bigint; currency: string }
  | { kind: 'declined'; decline: Decline }
  /** The key has been voided: it takes no debit any more. */
  | { kind: 'refused' }
  /** The key was used for another debit. */
  | { kind: 'clash'; detail: string };

export interface VoidAnswer {
  /** What went back, 0 when nothing had been debited; minor units. */
  amount: bigint;
  currency?: string;
  paymentId?: string;
}

/** A key's first debit. */
export function firstDebit(
  request: DebitRequest,
  decline: Decline | undefined,
  newPaymentId: () => string,
): Payment {
  const { key } = request;
  if (decline) return { key, debit: { outcome: 'declined', request, decline }, voided: false };
  return { key, debit: { outcome: 'debited', request, paymentId: newPaymentId() }, voided: false };
}

/** The answer to a debit of a key that is known: the same as to the first, unless that was another debit or is voided. */
export function answerDebit(payment: Payment, request: DebitRequest): DebitAnswer {
  const { debit, voided } = payment;
  if (!debit) return { kind: 'refused' };
  const differing = (['amount', 'currency', 'orderId', 'customerId'] as const).find(
    (name) => debit.request[name] !== request[name],
  );
  if (differing) {
    const [was, is] = [debit.request[differing], request[differing]];
    return { kind: 'clash', detail: `the key was used with ${differing} ${was}, not ${is}` };
  }
  if (debit.outcome === 'declined') return { kind: 'declined', decline: debit.decline };
  if (voided) return { kind: 'refused' };
  return { kind: 'debited', paymentId: debit.paymentId, amount: request.amount, currency: request.currency };
}

/** What a void gives back; the same however often it is asked for. */
export function answerVoid({ debit }: Payment): VoidAnswer {
  if (!debit) return { amount: 0n };
  const { currency, amount } = debit.request;
  if (debit.outcome === 'declined') return { amount: 0n, currency };
  return { amount, currency, paymentId: debit.paymentId };
}
