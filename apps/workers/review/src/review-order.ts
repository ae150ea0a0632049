import {
  encodeOrderEvent,
  LOGS,
  OrderEvent,
  OrderEventData,
  parseMoney,
  RecordedEvent,
} from '@headwater/contracts';
import { appendCaused, EventStoreClient, VersionConflict } from '@headwater/eventstore-client';
import { JetStreamContext } from '@headwater/nest-jetstream';
import { decide, foldOrder } from '@headwater/order-domain';
import { Review, ReviewPolicy } from './review-policy';

/** As much of the event store as this worker uses. */
export type OrderStore = Pick<EventStoreClient, 'append' | 'readAggregate'>;

/** Version of a debit that nothing has come before but `created`. */
const CREATED_THEN_DEBITED = 2;

/** How often a decision is made anew when others write to the order meanwhile. */
const DECISIONS = 5;

/** Reviews a paid order and records the result. */
export class ReviewOrder {
  constructor(
    private readonly store: OrderStore,
    private readonly policy: ReviewPolicy,
    private readonly defaultCurrency: string,
  ) {}

  async handle(
    debited: RecordedEvent,
    data: OrderEventData<'paymentdebited'>,
    context: JetStreamContext,
  ): Promise<void> {
    const { order_id, customer_id, amount, currency } = data;
    const review = await this.policy({
      orderId: order_id,
      customerId: customer_id,
      amount: parseMoney(amount, currency),
      currency,
    });
    if (debited.version === CREATED_THEN_DEBITED) {
      // The history up to here is known without reading it, and the append fails if there is more.
      try {
        return await this.append(debited, resultOf(order_id, review), debited.version, context);
      } catch (error) {
        if (!(error instanceof VersionConflict)) throw error;
      }
    }
    await this.decideAndAppend(debited, review, context);
  }

  /** An order that has become something else than paid is no longer reviewable, and that is the end of it. */
  private async decideAndAppend(
    debited: RecordedEvent,
    review: Review,
    context: JetStreamContext,
  ): Promise<void> {
    for (let round = 1; ; round++) {
      const history = await this.store.readAggregate(LOGS.orders, debited.aggregateId);
      const order = foldOrder(history, this.defaultCurrency);
      const decision = decide(
        order,
        review.approve ? { type: 'approve' } : { type: 'reject', code: review.code, message: review.message },
      );
      if ('refused' in decision) return;
      try {
        for (const [index, event] of decision.accepted.entries()) {
          await this.append(debited, event, order.version + index, context);
        }
        return;
      } catch (error) {
        if (!(error instanceof VersionConflict) || round === DECISIONS) throw error;
      }
    }
  }

  private async append(
    cause: RecordedEvent,
    event: OrderEvent,
    expected: number,
    context: JetStreamContext,
  ): Promise<void> {
    const { eventType, data, schemaVersion } = encodeOrderEvent(event);
    const metadata = { ...context.caused(), schemaVersion };
    const { signal } = context;
    await appendCaused(this.store, cause, { eventType, data, metadata }, expected, { signal });
  }
}

function resultOf(order_id: string, review: Review): OrderEvent {
  if (review.approve) return { name: 'approved', data: { order_id } };
  return { name: 'rejected', data: { order_id, code: review.code, message: review.message } };
}
