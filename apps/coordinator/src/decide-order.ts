import { CONSUMERS, encodeOrderEvent, LOGS, OrderEventName } from '@headwater/contracts';
import { appendDecided, EventStoreClient } from '@headwater/eventstore-client';
import { CoordinatorPolicy, courseOfHistory, decide, DueCourse } from '@headwater/order-domain';
import { currentTraceparent } from '@headwater/platform';
import { Deadline } from './deadline-rows';

/** As much of the event store as deciding uses. */
export type OrderStore = Pick<EventStoreClient, 'append' | 'readAggregate'>;

export interface DecideOptions {
  policy: CoordinatorPolicy;
  defaultCurrency: string;
  /** Milliseconds since 1970. */
  now: number;
  /** The replica that decides: host and pid. */
  holder: string;
  signal?: AbortSignal;
}

/**
 * What came of a deadline. `decided`: this event has been appended, now or by somebody before. `later`: the same wait goes
 * on until then. `over`: the order waits for something else, or for nothing.
 */
export type Outcome = { decided: OrderEventName } | { laterAt: number } | 'over';

/**
 * Decides about an order whose deadline is over: its history is read and folded, and what that asks for is appended on
 * exactly the version that was seen, under an id that follows from that version's event and the type. So replicas,
 * repetitions and late deadlines change nothing.
 *
 * @throws errors of the event store; UndecodableEvent, ImpossibleHistory
 */
export async function decideOrder(
  store: OrderStore,
  deadline: Deadline,
  { policy, defaultCurrency, now, holder, signal }: DecideOptions,
): Promise<Outcome> {
  let decided: OrderEventName | undefined;
  let waiting: DueCourse | undefined;
  await appendDecided(
    store,
    { log: LOGS.orders, aggregateId: deadline.orderId },
    (history) => {
      decided = undefined;
      waiting = undefined;
      const { state, course } = courseOfHistory(history, policy, defaultCurrency);
      if (!course) return undefined;
      if (course.dueAt > now) {
        waiting = course;
        return undefined;
      }
      const decision = decide(state, course.command);
      const event = 'accepted' in decision ? decision.accepted[0] : undefined;
      if (!event) return undefined;
      decided = event.name;
      const { cause } = course;
      const { metadata } = cause;
      const { schemaVersion, ...encoded } = encodeOrderEvent(event);
      return {
        cause,
        event: {
          ...encoded,
          metadata: {
            correlationId: metadata.correlationId ?? history[0]?.eventId ?? cause.eventId,
            causationId: cause.eventId,
            traceparent: currentTraceparent(metadata.traceparent),
            schemaVersion,
            // What a trace shows of it: when it was due, and how long that was ago.
            delivery: {
              worker: CONSUMERS.coordinator,
              instance: holder,
              attempt: 1,
              receivedAt: new Date(course.dueAt).toISOString(),
              handledMs: Math.round(now - course.dueAt),
            },
          },
        },
      };
    },
    signal ? { signal } : {},
  );
  if (decided) return { decided };
  // Another wait has a deadline of its own, which the event that began it brings.
  return waiting?.step === deadline.step ? { laterAt: waiting.dueAt } : 'over';
}
