import { encodeOrderEvent, ExpectedVersion, LOGS, OrderEvent, RecordedEvent } from '@headwater/contracts';
import { appendCaused, EventStoreClient, VersionConflict } from '@headwater/eventstore-client';
import { JetStreamContext } from '@headwater/nest-jetstream';
import { decide, foldOrder, OrderCommand, OrderState } from '@headwater/order-domain';

/** As much of the event store as this worker uses. */
export type OrderStore = Pick<EventStoreClient, 'append' | 'readAggregate'>;

/** How often a decision is made anew when others write to the order meanwhile. */
const DECISIONS = 5;

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
    const { eventType, data, schemaVersion } = encodeOrderEvent(event);
    const metadata = { ...context.caused(), schemaVersion };
    return appendCaused(this.store, cause, { eventType, data, metadata }, expected, {
      signal: context.signal,
    });
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
    for (let round = 1; ; round++) {
      const order = await this.read(cause.aggregateId);
      const wanted = command(order);
      const decision = wanted && decide(order, wanted);
      if (!decision || 'refused' in decision) return;
      try {
        for (const [index, event] of decision.accepted.entries()) {
          await this.append(cause, event, order.version + index, context);
        }
        return;
      } catch (error) {
        if (!(error instanceof VersionConflict) || round === DECISIONS) throw error;
      }
    }
  }
}
