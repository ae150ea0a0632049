import {
  encodeOrderEvent,
  ExpectedVersion,
  LOGS,
  NewEvent,
  OrderEvent,
  RecordedEvent,
} from '@headwater/contracts';
import { appendCaused, appendDecided, EventStoreClient } from '@headwater/eventstore-client';
import { JetStreamContext } from '@headwater/nest-jetstream';
import { decide, foldOrder, OrderCommand, OrderState } from '@headwater/order-domain';

/** As much of the event store as this worker uses. */
export type OrderStore = Pick<EventStoreClient, 'append' | 'readAggregate'>;

/** Writes what a delivery led to into the order's history, under ids that a redelivery derives again. */
export class OrderJournal {
  constructor(
    private readonly store: OrderStore,
    private readonly defaultCurrency: string,
  ) {}

  async read(orderId: string): Promise<OrderState> {
    return foldOrder(await this.store.readAggregate(LOGS.orders, orderId), this.defaultCurrency);
  }

  /**
   * Appends one event that `cause` led to.
   *
   * @returns its version; undefined when this step has another outcome on record
   * @throws VersionConflict and what else the event store refuses with
   */
  async append(
    cause: RecordedEvent,
    event: OrderEvent,
    expected: ExpectedVersion,
    context: JetStreamContext,
  ): Promise<number | undefined> {
    const { signal } = context;
    return appendCaused(this.store, cause, encode(event, context), expected, { signal });
  }

  /**
   * Decides on the present history and appends what was decided, again when others were faster. A refusal ends it: the
   * order has become something to which the command says nothing any more.
   *
   * @param command undefined: on this history there is nothing to do
   */
  async decideAndAppend(
    cause: RecordedEvent,
    context: JetStreamContext,
    command: (order: OrderState) => OrderCommand | undefined,
  ): Promise<void> {
    await appendDecided(
      this.store,
      cause,
      (history) => {
        const order = foldOrder(history, this.defaultCurrency);
        const wanted = command(order);
        const decision = wanted && decide(order, wanted);
        const event = decision && 'accepted' in decision ? decision.accepted[0] : undefined;
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
