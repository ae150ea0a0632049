import { formatMoney, OrderEventData, parseMoney, RecordedEvent } from '@headwater/contracts';
import { VersionConflict } from '@headwater/eventstore-client';
import { JetStreamContext } from '@headwater/nest-jetstream';
import { OrderState } from '@headwater/order-domain';
import { OrderJournal } from './order-journal';
import { PaymentProvider } from './payment-provider';
import { VoidPayment } from './void-payment';

/** Takes the money for a created order, under the created event's id, and records what came of it. */
export class TakePayment {
  constructor(
    private readonly provider: PaymentProvider,
    private readonly journal: OrderJournal,
    private readonly voidPayment: VoidPayment,
  ) {}

  async handle(
    created: RecordedEvent,
    data: OrderEventData<'created'>,
    context: JetStreamContext,
  ): Promise<void> {
    const result = await this.provider.debit(
      {
        key: created.eventId,
        orderId: data.order_id,
        customerId: data.customer_id,
        amount: parseMoney(data.amount, data.currency),
        currency: data.currency,
      },
      context.signal,
    );
    switch (result.status) {
      case 'debited': {
        const { order_id, customer_id, currency } = data;
        const debited = {
          order_id,
          customer_id,
          payment_id: result.paymentId,
          amount: formatMoney(result.amount, currency),
          currency,
        };
        return this.recordDebit(created, debited, context);
      }
      case 'declined':
        return this.recordDecline(created, { order_id: data.order_id, ...result }, context);
      // The provider holds nothing under this key and will take nothing: whoever had it voided records that.
      case 'refused':
        return;
    }
  }

  /** Money that was taken is recorded whatever the order has become. */
  private async recordDebit(
    created: RecordedEvent,
    data: OrderEventData<'paymentdebited'>,
    context: JetStreamContext,
  ): Promise<void> {
    const version = await this.journal.append(created, { name: 'paymentdebited', data }, 'exists', context);
    // Directly behind `created` nothing can have come between, so the order was payable and no read is needed.
    if (version === created.version + 1) return;
    const order = await this.journal.read(created.aggregateId);
    if (keepsTheMoney(order)) return;
    await this.voidPayment.handle(created, created.eventId, context);
  }

  private async recordDecline(
    created: RecordedEvent,
    { order_id, code, message }: OrderEventData<'paymentdeclined'>,
    context: JetStreamContext,
  ): Promise<void> {
    try {
      await this.journal.append(
        created,
        { name: 'paymentdeclined', data: { order_id, code, message } },
        created.version,
        context,
      );
    } catch (error) {
      if (!(error instanceof VersionConflict)) throw error;
      await this.journal.decideAndAppend(created, context, () => ({ type: 'recordDecline', code, message }));
    }
  }
}

const keepsTheMoney = ({ status }: OrderState): boolean =>
  status === 'Pending' || status === 'PaymentDebited' || status === 'Approved';
