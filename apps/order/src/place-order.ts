import { createHash, randomUUID } from 'node:crypto';
import {
  encodeOrderEvent,
  LOGS,
  OrderEventData,
  RecordedEvent,
  decodeOrderEvent,
  ORDER_EVENTS,
} from '@headwater/contracts';
import { decide, initialOrder, priceOrder } from '@headwater/order-domain';
import { deriveEventId, EventIdClash, EventStoreClient, VersionConflict } from '@headwater/eventstore-client';
import { OrderRequestBody } from './order-request';
import { Problem } from './problem';

export interface PlacedOrder {
  order: OrderEventData<'created'>;
  version: number;
  position: number;
}

export interface PlaceOrderContext {
  idempotencyKey?: string | undefined;
  traceparent: string;
  defaultCurrency: string;
  /** RFC 3339. */
  now: string;
}

/**
 * Appends the `created` event of a new order. With an idempotency key the order's id derives from customer and key, so
 * the same request again, also after a lost answer, meets its own first event and returns that.
 *
 * @throws Problem `invalid`, `idempotency-key-reused`; errors of the event store client
 */
export async function placeOrder(
  store: EventStoreClient,
  body: OrderRequestBody,
  context: PlaceOrderContext,
): Promise<PlacedOrder> {
  const request = { ...body, currency: body.currency ?? context.defaultCurrency };
  const pricing = priceOrder(request);
  if ('faults' in pricing) {
    const { faults } = pricing;
    throw new Problem(
      'invalid',
      `the order has ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`,
      { faults },
    );
  }
  const { idempotencyKey } = context;
  const orderId =
    idempotencyKey === undefined
      ? randomUUID()
      : deriveEventId(`customer:${body.customer_id}`, `idempotency-key:${idempotencyKey}`);
  const decision = decide(initialOrder, {
    type: 'create',
    data: {
      order_id: orderId,
      customer_id: body.customer_id,
      restaurant_id: body.restaurant_id,
      created_on: context.now,
      ...pricing.priced,
    },
  });
  if ('refused' in decision) throw new Problem('conflict', decision.refused.message);
  const [created] = decision.accepted;
  if (created?.name !== 'created') throw new Error('creating an order decides on one created event');

  const eventId = deriveEventId(orderId, ORDER_EVENTS.created.type);
  const { eventType, data, schemaVersion } = encodeOrderEvent(created);
  // Only a retry with a key is ever compared.
  const digest =
    idempotencyKey === undefined
      ? undefined
      : requestDigest(body.customer_id, body.restaurant_id, pricing.priced);
  const metadata = {
    correlationId: eventId,
    schemaVersion,
    traceparent: context.traceparent,
    ...(digest === undefined ? {} : { requestDigest: digest }),
  };
  try {
    const { events } = await store.append(LOGS.orders, [
      {
        aggregateId: orderId,
        aggregateType: 'order',
        expected: 'no_stream',
        events: [{ eventId, eventType, data, metadata }],
      },
    ]);
    const [appended] = events;
    if (!appended)
      throw new Error(`the event store has answered the append of ${eventId} without its position`);
    return { order: created.data, version: appended.version, position: appended.position };
  } catch (error) {
    if (idempotencyKey !== undefined && (error instanceof EventIdClash || error instanceof VersionConflict)) {
      return firstAnswer(store, orderId, idempotencyKey, digest);
    }
    throw error;
  }
}

/** What the key's first request was answered with; the timestamp alone makes the repeated event differ. */
async function firstAnswer(
  store: EventStoreClient,
  orderId: string,
  key: string,
  digest: string | undefined,
): Promise<PlacedOrder> {
  const [first]: RecordedEvent[] = await store.readAggregate(LOGS.orders, orderId, { limit: 1 });
  if (!first || first.metadata.requestDigest !== digest) {
    throw new Problem(
      'idempotency-key-reused',
      `the key ${JSON.stringify(key)} belongs to another request of this customer; use a new key`,
    );
  }
  const event = decodeOrderEvent(first);
  if (event.name !== 'created') throw new Error(`the history of ${orderId} begins with ${event.name}`);
  return { order: event.data, version: first.version, position: first.position };
}

/** SHA-256 over what the request means, so that another spelling of the same order is the same request. */
function requestDigest(...parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
