import { formatMoney, OrderEvent, OrderEventData } from '@headwater/contracts';
import { isFinal, OrderState } from './order-state';

export type OrderCommand =
  | { type: 'create'; data: OrderEventData<'created'> }
  /** The provider has taken the money. */
  | { type: 'recordDebit'; paymentId: string }
  | { type: 'recordDecline'; code: string; message: string }
  | { type: 'approve' }
  | { type: 'reject'; code: string; message: string }
  | { type: 'requestCancel'; reason: string }
  | { type: 'requestVoid'; reason: string }
  /** The provider holds nothing and will take nothing; `amount` (minor units) is what it has given back. */
  | { type: 'recordVoid'; amount: bigint; paymentId?: string }
  | { type: 'cancel'; reason: string }
  | { type: 'raiseAttention'; reason: string }
  | { type: 'resolve'; outcome: 'voided' | 'written-off'; reason: string; by: string };

/** Why a command can't happen now. The order is left as it is. */
export interface Refusal {
  code:
    | 'order-exists'
    | 'order-unknown'
    | 'not-payable'
    | 'not-reviewable'
    | 'already-approved'
    | 'already-ending'
    | 'already-ended'
    | 'nothing-to-void'
    | 'money-unsettled'
    | 'needs-no-attention';
  message: string;
}

export type Decision = { accepted: OrderEvent[] } | { refused: Refusal };

const accept = (...accepted: OrderEvent[]): Decision => ({ accepted });

/**
 * What a command does to an order in this state: the events that happen, or a named refusal. Pure and total; time and
 * ids come with the command. Facts about money (`recordDebit`, `recordVoid`) are accepted in every state of a known
 * order, because they have happened, whatever the order has become since.
 */
export function decide(state: OrderState, command: OrderCommand): Decision {
  if (state.status === 'None') {
    if (command.type === 'create') return accept({ name: 'created', data: command.data });
    return { refused: { code: 'order-unknown', message: 'there is no such order' } };
  }
  const { order, status, books } = state;
  const order_id = order.orderId;
  const refuse = (code: Refusal['code'], what: string): Decision => ({
    refused: { code, message: `order ${order_id} is ${status}: ${what}` },
  });

  switch (command.type) {
    case 'create':
      return refuse('order-exists', 'it has been created before');
    case 'recordDebit':
      return accept({
        name: 'paymentdebited',
        data: {
          order_id,
          customer_id: order.customerId,
          payment_id: command.paymentId,
          amount: formatMoney(order.amount, order.currency),
          currency: order.currency,
        },
      });
    case 'recordVoid':
      return accept({
        name: 'paymentvoided',
        data: {
          order_id,
          payment_key: order.paymentKey,
          ...(command.paymentId === undefined ? {} : { payment_id: command.paymentId }),
          amount: formatMoney(command.amount, order.currency),
          currency: order.currency,
        },
      });
    case 'recordDecline':
      if (status !== 'Pending') return refuse('not-payable', 'a payment result is no longer awaited');
      return accept({
        name: 'paymentdeclined',
        data: { order_id, code: command.code, message: command.message },
      });
    case 'approve':
      if (status !== 'PaymentDebited') return refuse('not-reviewable', 'only a paid order is reviewed');
      if (books.voidConfirmed) return refuse('not-reviewable', 'its payment has been given back');
      return accept({ name: 'approved', data: { order_id } });
    case 'reject':
      if (status !== 'PaymentDebited') return refuse('not-reviewable', 'only a paid order is reviewed');
      return accept({ name: 'rejected', data: { order_id, code: command.code, message: command.message } });
    case 'requestCancel':
      if (status === 'Approved') return refuse('already-approved', 'it can no longer be cancelled');
      if (status !== 'Pending' && status !== 'PaymentDebited')
        return refuse('already-ending', 'it is ending already');
      return accept({ name: 'cancelrequested', data: { order_id, reason: command.reason } });
    case 'requestVoid':
      if (isFinal(status)) return refuse('already-ended', 'nothing more is voided');
      if (status === 'Declined' || status === 'NeedsAttention' || books.voidConfirmed) {
        return refuse(
          'nothing-to-void',
          'the provider holds nothing that could be voided, or a person has taken over',
        );
      }
      return accept({
        name: 'voidrequested',
        data: {
          order_id,
          payment_key: order.paymentKey,
          reason: command.reason,
          attempt: state.voidAttempts + 1,
        },
      });
    case 'cancel':
      if (isFinal(status)) return refuse('already-ended', 'it has ended');
      if (status !== 'Declined' && !books.voidConfirmed && books.resolution === undefined) {
        return refuse(
          'money-unsettled',
          'neither a decline nor a void nor a resolution has settled its money',
        );
      }
      return accept({ name: 'cancelled', data: { order_id, reason: command.reason } });
    case 'raiseAttention':
      if (status !== 'Voiding' || books.voidConfirmed)
        return refuse('needs-no-attention', 'only a void that fails needs a person');
      return accept({ name: 'needsattention', data: { order_id, reason: command.reason } });
    case 'resolve':
      if (status !== 'NeedsAttention' || books.resolution !== undefined) {
        return refuse('needs-no-attention', 'only an order that needs attention is resolved, once');
      }
      return accept({
        name: 'resolved',
        data: { order_id, outcome: command.outcome, reason: command.reason, by: command.by },
      });
  }
}
