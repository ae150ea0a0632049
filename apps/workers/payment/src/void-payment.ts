import { RecordedEvent } from '@headwater/contracts';
import { JetStreamContext, TerminalError } from '@headwater/nest-jetstream';
import { OrderJournal } from './order-journal';
import { PaymentProvider } from './payment-provider';

/** Has whatever was paid given back, and records that the provider holds nothing any more. */
export class VoidPayment {
  constructor(
    private readonly provider: PaymentProvider,
    private readonly journal: OrderJournal,
  ) {}

  async handle(cause: RecordedEvent, paymentKey: string, context: JetStreamContext): Promise<void> {
    const { amount, paymentId } = await this.provider.void(paymentKey, context.signal);
    await this.journal.decideAndAppend(cause, context, (order) => {
      if (order.status === 'None') throw new TerminalError(`order ${cause.aggregateId} has no history`);
      // The provider answers every void of a key alike; what went back is entered into the books once.
      if (order.books.voidConfirmed && order.books.voided >= amount) return undefined;
      return { type: 'recordVoid', amount, ...(paymentId === undefined ? {} : { paymentId }) };
    });
  }
}
