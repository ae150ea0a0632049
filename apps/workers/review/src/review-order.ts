import {
  encodeOrderEvent,
  NewEvent,
  OrderEvent,
  OrderEventData,
  parseMoney,
  RecordedEvent,
} from '@headwater/contracts';
import { appendCaused, appendDecided, EventStoreClient, VersionConflict } from '@headwater/eventstore-client';
import { JetStreamContext } from '@headwater/nest-jetstream';
import { decide, foldOrder, OrderCommand } from '@headwater/order-domain';
import { Review, ReviewPolicy } from './review-policy';

/** As much of the event store as this worker uses. */
export type OrderStore = Pick<EventStoreClient, 'append' | 'readAggregate'>;

/** Version of a debit that nothing has come before but `created`. */
const CREATED_THEN_DEBITED = 2;

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
        const event = encode(resultOf(order_id, review), context);
        await appendCaused(this.store, debited, event, debited.version, { signal: context.signal });
        return;
      } catch (error) {
        if (!(error instanceof VersionConflict)) throw error;
      }
    }
    await this.decideAndAppend(debited, review, context);
  }

  /** An order that has become something else than paid is no longer reviewable, and that is the end of it. */
  private async decideAndAppend(
    cause: RecordedEvent,
    review: Review,
    context: JetStreamContext,
  ): Promise<void> {
    await appendDecided(
      this.store,
      cause,
      (history) => {
        const decision = decide(foldOrder(history, this.defaultCurrency), commandOf(review));
        const event = 'accepted' in decision ? decision.accepted[0] : undefined;
        return event && { cause, event: encode(event, context) };
      },
      { signal: context.signal },
    );
  }
}

function encode(event: OrderEvent, context: JetStreamContext): Omit<NewEvent, 'eventId'> {
  const { schemaVersion, ...encoded } = encodeOrderEvent(event);
  return { ...encoded, metadata: { ...context.caused(), schemaVersion } };
}

const commandOf = (review: Review): OrderCommand =>
  review.approve ? { type: 'approve' } : { type: 'reject', code: review.code, message: review.message };

function resultOf(order_id: string, review: Review): OrderEvent {
  if (review.approve) return { name: 'approved', data: { order_id } };
  return { name: 'rejected', data: { order_id, code: review.code, message: review.message } };
}
