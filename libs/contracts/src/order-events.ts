import { z } from 'zod';
import { decodeData, defineEvent, UndecodableEvent, UpcastContext } from './event-definition';
import { RecordedEvent } from './event';
import { DEFAULT_CURRENCY, formatMoney, parseMoney } from './money';

/** Decimal string, for example "12.50". */
const amount = z.string().regex(/^\d+(\.\d+)?$/, 'must be a decimal string such as "12.50"');
const currency = z.string().regex(/^[A-Z]{3}$/, 'must be three capital letters');
const id = z.string().min(1).max(128);
const reason = z.string();

const orderItem = z.object({
  code: z.string(),
  name: z.string(),
  unit_price: amount,
  quantity: z.number().int().min(1),
});

const created = z.object({
  order_id: id,
  customer_id: id,
  restaurant_id: id,
  currency,
  amount,
  created_on: z.string(),
  order_items: z.array(orderItem).min(1),
});

/** Amounts that the sample wrote as floats, as an exact decimal of the currency. */
function exactAmount(value: unknown, of: string): string {
  const text = typeof value === 'number' ? value.toFixed(6).replace(/\.?0+$/, '') : String(value);
  return formatMoney(parseMoney(text, of), of);
}

const record = (data: unknown): Record<string, unknown> =>
  typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};

/** The first of several spellings that is present; the sample mixes snake_case and PascalCase. */
const pick = (data: Record<string, unknown>, ...names: string[]): unknown =>
  names.map((name) => data[name]).find((value) => value !== undefined);

const sameAsSample = (data: unknown, context: UpcastContext): unknown => ({
  ...record(data),
  order_id: pick(record(data), 'order_id', 'OrderID', 'OrderId') ?? context.aggregateId,
});

/**
 * Every event of an order's life. Aggregate: the order; log and stream: ORDERS.
 * Adding one fails to compile exactly where it must be handled.
 */
export const ORDER_EVENTS = {
  created: defineEvent({
    type: 'ORDERS.created',
    version: 1,
    summary: 'A customer has placed an order; written by the order API.',
    schema: created,
    upcasters: {
      0: (data, context) => {
        const old = record(data);
        const of = String(pick(old, 'currency') ?? context.defaultCurrency);
        const items = pick(old, 'order_items', 'OrderItems');
        return {
          order_id: pick(old, 'order_id', 'OrderID', 'OrderId') ?? context.aggregateId,
          customer_id: pick(old, 'customer_id', 'CustomerID', 'CustomerId'),
          restaurant_id: pick(old, 'restaurant_id', 'RestaurantID', 'RestaurantId'),
          currency: of,
          amount: exactAmount(pick(old, 'amount', 'Amount'), of),
          created_on: pick(old, 'created_on', 'CreatedOn') ?? '',
          order_items: (Array.isArray(items) ? items : []).map((item: unknown) => ({
            code: pick(record(item), 'code', 'Code') ?? '',
            name: pick(record(item), 'name', 'Name') ?? '',
            unit_price: exactAmount(pick(record(item), 'unit_price', 'UnitPrice'), of),
            quantity: pick(record(item), 'quantity', 'Quantity'),
          })),
        };
      },
    },
  }),
  paymentdebited: defineEvent({
    type: 'ORDERS.paymentdebited',
    version: 1,
    summary: 'The payment provider has taken the money; written by the payment worker.',
    schema: z.object({ order_id: id, customer_id: id, payment_id: id, amount, currency }),
    upcasters: {
      0: (data, context) => {
        const old = record(data);
        const of = String(pick(old, 'currency', 'Currency') ?? context.defaultCurrency);
        return {
          order_id: pick(old, 'order_id', 'OrderID', 'OrderId') ?? context.aggregateId,
          customer_id: pick(old, 'customer_id', 'CustomerID', 'CustomerId'),
          payment_id: pick(old, 'payment_id', 'PaymentID', 'PaymentId') ?? `sample:${context.aggregateId}`,
          amount: exactAmount(pick(old, 'amount', 'Amount'), of),
          currency: of,
        };
      },
    },
  }),
  paymentdeclined: defineEvent({
    type: 'ORDERS.paymentdeclined',
    version: 1,
    summary: 'The payment provider has refused, for good; written by the payment worker.',
    schema: z.object({ order_id: id, code: z.string(), message: z.string() }),
    upcasters: { 0: sameAsSample },
  }),
  approved: defineEvent({
    type: 'ORDERS.approved',
    version: 1,
    summary: 'The paid order has passed review; written by the review worker.',
    schema: z.object({ order_id: id }),
    upcasters: { 0: sameAsSample },
  }),
  rejected: defineEvent({
    type: 'ORDERS.rejected',
    version: 1,
    summary: 'The paid order has failed review; written by the review worker.',
    schema: z.object({ order_id: id, code: z.string(), message: z.string() }),
    upcasters: { 0: sameAsSample },
  }),
  cancelrequested: defineEvent({
    type: 'ORDERS.cancelrequested',
    version: 1,
    summary: 'The customer wants the order cancelled; written by the order API.',
    schema: z.object({ order_id: id, reason }),
    upcasters: { 0: sameAsSample },
  }),
  voidrequested: defineEvent({
    type: 'ORDERS.voidrequested',
    version: 1,
    summary: 'Whatever was paid must be given back; written by the coordinator.',
    schema: z.object({ order_id: id, payment_key: id, reason, attempt: z.number().int().min(1) }),
    upcasters: { 0: sameAsSample },
  }),
  paymentvoided: defineEvent({
    type: 'ORDERS.paymentvoided',
    version: 1,
    summary: 'The provider holds no money for the order and will take none; written by the payment worker.',
    schema: z.object({ order_id: id, payment_key: id, payment_id: id.optional(), amount, currency }),
    upcasters: { 0: sameAsSample },
  }),
  cancelled: defineEvent({
    type: 'ORDERS.cancelled',
    version: 1,
    summary: 'The order has ended without a purchase; written by the coordinator.',
    schema: z.object({ order_id: id, reason }),
    upcasters: { 0: sameAsSample },
  }),
  needsattention: defineEvent({
    type: 'ORDERS.needsattention',
    version: 1,
    summary: 'The coordinator has given up; a person must act.',
    schema: z.object({ order_id: id, reason }),
    upcasters: { 0: sameAsSample },
  }),
  resolved: defineEvent({
    type: 'ORDERS.resolved',
    version: 1,
    summary: 'A named person has settled an order that needed attention; written by the CLI.',
    schema: z.object({
      order_id: id,
      outcome: z.enum(['voided', 'written-off']),
      reason,
      by: z.string().min(1),
    }),
    upcasters: { 0: sameAsSample },
  }),
} as const;

/** Short names of the order events: `created`, `approved` … */
export type OrderEventName = keyof typeof ORDER_EVENTS;

export type OrderEventData<Name extends OrderEventName> = z.infer<(typeof ORDER_EVENTS)[Name]['schema']>;

/** An order event in the form that the domain decides and evolves on. */
export type OrderEvent = {
  [Name in OrderEventName]: { name: Name; data: OrderEventData<Name> };
}[OrderEventName];

const NAMES_BY_TYPE = new Map<string, OrderEventName>(
  (Object.keys(ORDER_EVENTS) as OrderEventName[]).map((name) => [ORDER_EVENTS[name].type, name]),
);

/** The catalogue name of an event type, or undefined when it is not an order event. */
export const orderEventName = (eventType: string): OrderEventName | undefined => NAMES_BY_TYPE.get(eventType);

/** Type, data text and schema version of an order event, as it is appended. */
export function encodeOrderEvent(event: OrderEvent): {
  eventType: string;
  data: string;
  schemaVersion: number;
} {
  const definition = ORDER_EVENTS[event.name];
  return { eventType: definition.type, data: JSON.stringify(event.data), schemaVersion: definition.version };
}

/**
 * A recorded event as an order event, of any shipped schema version.
 *
 * @throws UndecodableEvent
 */
export function decodeOrderEvent(
  event: Pick<RecordedEvent, 'eventType' | 'aggregateId' | 'data' | 'metadata'>,
  defaultCurrency: string = DEFAULT_CURRENCY,
): OrderEvent {
  const name = orderEventName(event.eventType);
  if (!name) throw new UndecodableEvent(`${event.eventType} of ${event.aggregateId} is not an order event`);
  const context = { aggregateId: event.aggregateId, defaultCurrency };
  const data = decodeData(ORDER_EVENTS[name], event.data, event.metadata.schemaVersion ?? 0, context);
  // The catalogue ties the name to the data's type; the compiler can't follow that through the look-up.
  return { name, data } as OrderEvent;
}
