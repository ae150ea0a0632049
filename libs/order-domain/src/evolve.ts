import { decodeOrderEvent, OrderEvent, parseMoney, RecordedEvent } from '@headwater/contracts';
import { initialOrder, isFinal, OrderState, OrderStatus } from './order-state';

/** An order event with the id it is recorded under; the id of `created` is the payment key. */
export type RecordedOrderEvent = OrderEvent & { eventId: string };

type Placed = Exclude<OrderState, { status: 'None' }>;

/** A history that no series of decisions can have produced. Never transient. */
export class ImpossibleHistory extends Error {
  override readonly name = 'ImpossibleHistory';
}

/**
 * The state after one more event. Total over every state and event that `decide` lets happen, and over late facts about
 * money in any state.
 *
 * @throws ImpossibleHistory when the first event is not `created`, or `created` comes twice
 */
export function evolve(state: OrderState, event: RecordedOrderEvent): OrderState {
  if (state.status === 'None') {
    if (event.name !== 'created')
      throw new ImpossibleHistory(`an order's history begins with created, not ${event.name}`);
    return place(event);
  }
  const next = { ...state, version: state.version + 1 };
  // After a final state facts about money alone may follow; they change the books, not the state.
  const to = (status: OrderStatus, reason?: string): OrderState =>
    isFinal(state.status) ? next : { ...next, status, ...(reason === undefined ? {} : { reason }) };

  switch (event.name) {
    case 'created':
      throw new ImpossibleHistory(`order ${state.order.orderId} is created twice`);
    case 'paymentdebited': {
      const books = { ...state.books, debited: parseMoney(event.data.amount, event.data.currency) };
      return { ...next, books, status: state.status === 'Pending' ? 'PaymentDebited' : state.status };
    }
    case 'paymentdeclined':
      return to('Declined', `payment declined: ${event.data.code}`);
    case 'approved':
      return to('Approved');
    case 'rejected':
      return to('Rejected', `rejected: ${event.data.code}`);
    case 'cancelrequested':
      return to('Cancelling', event.data.reason);
    case 'voidrequested':
      return { ...(to('Voiding', event.data.reason) as Placed), voidAttempts: event.data.attempt };
    case 'paymentvoided': {
      // The provider answers every void of a key with the same amount, so several facts tell of one void. One that came
      // before any debit says 0, hence the greatest.
      const amount = parseMoney(event.data.amount, event.data.currency);
      const voided = amount > state.books.voided ? amount : state.books.voided;
      // What was given back had been taken, also when whoever took it did not live to record that.
      const debited = voided > state.books.debited ? voided : state.books.debited;
      return { ...next, books: { ...state.books, debited, voided, voidConfirmed: true } };
    }
    case 'cancelled':
      return to('Cancelled', event.data.reason);
    case 'needsattention':
      return to('NeedsAttention', event.data.reason);
    case 'resolved':
      return { ...next, books: { ...state.books, resolution: event.data.outcome } };
  }
}

function place({ data, eventId }: RecordedOrderEvent & { name: 'created' }): OrderState {
  return {
    status: 'Pending',
    version: 1,
    order: {
      orderId: data.order_id,
      customerId: data.customer_id,
      restaurantId: data.restaurant_id,
      currency: data.currency,
      amount: parseMoney(data.amount, data.currency),
      paymentKey: eventId,
    },
    books: { debited: 0n, voided: 0n, voidConfirmed: false },
    voidAttempts: 0,
  };
}

/**
 * The state that a recorded history leads to.
 *
 * @param history one order's events, oldest first
 * @throws UndecodableEvent, ImpossibleHistory
 */
export function foldOrder(history: readonly RecordedEvent[], defaultCurrency?: string): OrderState {
  return history.reduce(
    (state, event) => evolve(state, { ...decodeOrderEvent(event, defaultCurrency), eventId: event.eventId }),
    initialOrder,
  );
}
