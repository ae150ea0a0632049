import { decodeOrderEvent, RecordedEvent, UndecodableEvent } from '@headwater/contracts';
import {
  evolve,
  ImpossibleHistory,
  initialOrder,
  ORDER_STATUSES,
  OrderState,
  OrderStatus,
} from '@headwater/order-domain';
import { OrderRow } from '@headwater/order-read-model';

/** An event that can't become part of the read model, however often it is tried. */
export class PoisonEvent extends Error {
  override readonly name = 'PoisonEvent';

  constructor(
    readonly event: RecordedEvent,
    cause: Error,
  ) {
    super(`position ${event.position} (${event.eventType} of ${event.aggregateId}): ${cause.message}`, {
      cause,
    });
  }
}

/**
 * An order's row after one more event: the domain's own `evolve`, so that the read model can't disagree with it.
 *
 * @throws PoisonEvent
 */
export function project(
  before: OrderRow | undefined,
  event: RecordedEvent,
  defaultCurrency: string,
): OrderRow {
  try {
    const state = before === undefined ? initialOrder : stateOf(before);
    if (event.version !== state.version + 1) {
      throw new ImpossibleHistory(`version ${event.version} follows version ${state.version}`);
    }
    const decoded = decodeOrderEvent(event, defaultCurrency);
    const after = evolve(state, { ...decoded, eventId: event.eventId });
    if (after.status === 'None') throw new ImpossibleHistory('an event leads to an order');
    return {
      ...(decoded.name === 'created'
        ? created(decoded.data.order_items, decoded.data.created_on, event.position)
        : kept(before)),
      orderId: event.aggregateId,
      customerId: after.order.customerId,
      restaurantId: after.order.restaurantId,
      status: after.status,
      currency: after.order.currency,
      amount: after.order.amount,
      debited: after.books.debited,
      voided: after.books.voided,
      voidConfirmed: after.books.voidConfirmed,
      resolution: after.books.resolution ?? null,
      paymentKey: after.order.paymentKey,
      reason: after.reason ?? null,
      voidAttempts: after.voidAttempts,
      version: event.version,
      position: event.position,
      updatedOn: event.recordedAt,
    };
  } catch (error) {
    if (error instanceof UndecodableEvent || error instanceof ImpossibleHistory)
      throw new PoisonEvent(event, error);
    throw error;
  }
}

/** What the first event alone says. */
type FirstSaid = Pick<OrderRow, 'items' | 'createdOn' | 'createdPosition'>;

const created = (items: unknown, createdOn: string, createdPosition: number): FirstSaid => ({
  items: JSON.stringify(items),
  createdOn,
  createdPosition,
});

function kept(before: OrderRow | undefined): FirstSaid {
  if (before === undefined) throw new ImpossibleHistory('the order is not in the read model');
  return { items: before.items, createdOn: before.createdOn, createdPosition: before.createdPosition };
}

const isStatus = (text: string): text is OrderStatus => ORDER_STATUSES.some((status) => status === text);

/** The domain's state that a row stands for. */
function stateOf(row: OrderRow): OrderState {
  if (!isStatus(row.status))
    throw new ImpossibleHistory(`the read model has the unknown status ${row.status}`);
  const { resolution } = row;
  return {
    status: row.status,
    version: row.version,
    order: {
      orderId: row.orderId,
      customerId: row.customerId,
      restaurantId: row.restaurantId,
      currency: row.currency,
      amount: row.amount,
      paymentKey: row.paymentKey,
    },
    books: {
      debited: row.debited,
      voided: row.voided,
      voidConfirmed: row.voidConfirmed,
      ...(resolution === 'voided' || resolution === 'written-off' ? { resolution } : {}),
    },
    ...(row.reason === null ? {} : { reason: row.reason }),
    voidAttempts: row.voidAttempts,
  };
}
