// The simulator's own rules, and the apps have no exports.
// eslint-disable-next-line @nx/enforce-module-boundaries
import { answerDebit, answerVoid, firstDebit, Payment } from '../../apps/payment-simulator/src/payment';
// eslint-disable-next-line @nx/enforce-module-boundaries
import type { Debit, DebitResult, VoidResult } from '../../apps/workers/payment/src/payment-provider';

/** The payment provider by the simulator's rules, without HTTP and SQL. */
export class MemoryProvider {
  private readonly payments = new Map<string, Payment>();

  constructor(private readonly declines: boolean) {}

  /** Minor units that it holds. */
  get held(): bigint {
    let held = 0n;
    for (const { debit, voided } of this.payments.values())
      if (debit?.outcome === 'debited' && !voided) held += debit.request.amount;
    return held;
  }

  debit(request: Debit): DebitResult {
    const decline = this.declines ? { code: 'no-funds', message: 'no funds' } : undefined;
    const known = this.payments.get(request.key);
    const payment = known ?? firstDebit(request, decline, () => `p-${request.key}`);
    this.payments.set(request.key, payment);
    const answer = answerDebit(payment, request);
    switch (answer.kind) {
      case 'debited':
        return { status: 'debited', paymentId: answer.paymentId, amount: answer.amount };
      case 'declined':
        return { status: 'declined', ...answer.decline };
      case 'refused':
        return { status: 'refused' };
      case 'clash':
        throw new Error(answer.detail);
    }
  }

  void(key: string): VoidResult {
    const payment = { ...(this.payments.get(key) ?? { key }), voided: true };
    this.payments.set(key, payment);
    const { amount, paymentId } = answerVoid(payment);
    return { amount, ...(paymentId === undefined ? {} : { paymentId }) };
  }
}
