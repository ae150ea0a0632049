import { formatMoney, OrderEventData, RecordedEvent } from '@headwater/contracts';
import { OrderRow } from '@headwater/order-read-model';
import { PlacedOrder } from './place-order';

/** An order as the API shows it: the sample's JSON names, amounts as decimal strings. */
export interface OrderView {
  order_id: string;
  customer_id: string;
  restaurant_id: string;
  status: string;
  reason?: string;
  currency: string;
  amount: string;
  created_on: string;
  updated_on: string;
  order_items: OrderEventData<'created'>['order_items'];
  version: number;
  position: number;
}

export const viewOfRow = (row: OrderRow): OrderView => ({
  order_id: row.orderId,
  customer_id: row.customerId,
  restaurant_id: row.restaurantId,
  status: row.status,
  ...(row.reason === null ? {} : { reason: row.reason }),
  currency: row.currency,
  amount: formatMoney(row.amount, row.currency),
  created_on: row.createdOn,
  updated_on: row.updatedOn,
  order_items: JSON.parse(row.items) as OrderView['order_items'],
  version: row.version,
  position: row.position,
});

export const viewOfPlaced = ({ order, version, position }: PlacedOrder): OrderView => ({
  order_id: order.order_id,
  customer_id: order.customer_id,
  restaurant_id: order.restaurant_id,
  status: 'Pending',
  currency: order.currency,
  amount: order.amount,
  created_on: order.created_on,
  updated_on: order.created_on,
  order_items: order.order_items,
  version,
  position,
});

/** One event of an order's history. */
export interface EventView {
  position: number;
  version: number;
  event_id: string;
  event_type: string;
  recorded_at: string;
  caused_by?: string;
  traceparent?: string;
  delivery?: RecordedEvent['metadata']['delivery'];
  data: unknown;
}

export const viewOfEvent = (event: RecordedEvent): EventView => ({
  position: event.position,
  version: event.version,
  event_id: event.eventId,
  event_type: event.eventType,
  recorded_at: event.recordedAt,
  ...(event.metadata.causationId === undefined ? {} : { caused_by: event.metadata.causationId }),
  ...(event.metadata.traceparent === undefined ? {} : { traceparent: event.metadata.traceparent }),
  ...(event.metadata.delivery === undefined ? {} : { delivery: event.metadata.delivery }),
  data: event.data === '' ? null : (JSON.parse(event.data) as unknown),
});
