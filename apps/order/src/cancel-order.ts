import { z } from 'zod';
import { encodeOrderEvent, LOGS, ORDER_EVENTS, RecordedEvent } from '@headwater/contracts';
import { appendDecided, EventStoreClient } from '@headwater/eventstore-client';
import { decide, foldOrder, OrderStatus } from '@headwater/order-domain';
import { orderNotFound, Problem } from './problem';

/** Body of `POST /api/orders/{id}/cancel`. */
export const cancelRequest = z.strictObject({
  reason: z.string().trim().min(1).max(500).describe('Why; it becomes part of the order’s history'),
});
export type CancelRequest = z.infer<typeof cancelRequest>;

const etag = /^"(\d{1,15})"$/;

/** `If-Match` as versions of the order; undefined: any. */
export const ifMatchHeader = z
  .string()
  .max(500)
  .optional()
  .transform((header) => (header === undefined || header.trim() === '*' ? undefined : header.split(',')))
  .refine((tags) => tags?.every((tag) => etag.test(tag.trim())) ?? true, {
    message: 'must be the ETag of an answer, such as "3", or *',
  })
  .transform((tags) => tags?.map((tag) => Number(etag.exec(tag.trim())?.[1])));

export interface CancelledOrder {
  orderId: string;
  status: OrderStatus;
  version: number;
}

export interface CancelContext {
  /** Versions of which the order must be one. */
  ifMatch: number[] | undefined;
  traceparent: string;
  defaultCurrency: string;
}

/**
 * Asks for an order to be cancelled; the coordinator does the rest. Repeating it changes nothing: an order that is being
 * cancelled on request already is answered with where it is.
 *
 * @throws Problem `order-not-found`, `precondition-failed`, `conflict`; errors of the event store client
 */
export async function cancelOrder(
  store: Pick<EventStoreClient, 'append' | 'readAggregate'>,
  orderId: string,
  { reason }: CancelRequest,
  { ifMatch, traceparent, defaultCurrency }: CancelContext,
): Promise<CancelledOrder> {
  let standing: CancelledOrder | undefined;
  const of = { log: LOGS.orders, aggregateId: orderId };
  const decideOn = (history: RecordedEvent[]) => {
    const order = foldOrder(history, defaultCurrency);
    const last = history.at(-1);
    if (order.status === 'None' || !last) throw orderNotFound(orderId);
    const { status, version } = order;
    standing = { orderId, status, version };
    const asked = history.find(({ eventType }) => eventType === ORDER_EVENTS.cancelrequested.type);
    // A repetition after a lost answer: its condition held when the request was taken.
    if (asked && (!ifMatch || [asked.version - 1, version].some((one) => ifMatch.includes(one))))
      return undefined;
    if (ifMatch && !ifMatch.includes(version)) {
      throw new Problem(
        'precondition-failed',
        `order ${orderId} is ${status} at version ${version}; look at it and decide again`,
      );
    }
    const decision = decide(order, { type: 'requestCancel', reason });
    if ('refused' in decision) throw new Problem('conflict', decision.refused.message);
    const [event] = decision.accepted;
    if (!event) throw new Error('a cancellation is decided by one event');
    const { schemaVersion, ...encoded } = encodeOrderEvent(event);
    const correlationId = history[0]?.metadata.correlationId ?? history[0]?.eventId;
    return {
      cause: last,
      event: {
        ...encoded,
        metadata: { ...(correlationId ? { correlationId } : {}), traceparent, schemaVersion },
      },
    };
  };
  const appended = await appendDecided(store, of, decideOn);
  if (appended) return { orderId, status: 'Cancelling', version: appended.version };
  // Somebody's request for the same version was there first, with another reason: look again.
  if (standing && (standing.status === 'Pending' || standing.status === 'PaymentDebited'))
    await appendDecided(store, of, decideOn);
  if (!standing) throw new Error(`the history of ${orderId} was not read`);
  return standing;
}
