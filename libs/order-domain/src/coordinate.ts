import { decodeOrderEvent, OrderEventName, RecordedEvent } from '@headwater/contracts';
import { OrderCommand } from './decide';
import { evolve } from './evolve';
import { initialOrder, isFinal, OrderState } from './order-state';

/** What an order can be waiting for. Each has its own deadline; after it the coordinator decides. */
export const STEPS = ['payment', 'review', 'void', 'settlement'] as const;
export type Step = (typeof STEPS)[number];

/** Deadlines in milliseconds since the event that began the wait. */
export interface CoordinatorPolicy {
  /** From `created` to a payment result. */
  paymentMs: number;
  /** From `paymentdebited` to a review. */
  reviewMs: number;
  /** From the first `voidrequested` to its confirmation; doubles with each further request. */
  voidMs: number;
  /** Longest wait for a confirmation. */
  voidMostMs: number;
  /** Void requests after which a person is called. */
  voidAttempts: number;
}

/** Which waits an event begins and which it makes pointless. */
interface Waits {
  begins?: Step;
  ends: readonly Step[];
}

/** A settlement waits for nothing: it is what the coordinator itself has to do next. */
export const WAITS: { readonly [Name in OrderEventName]: Waits } = {
  created: { begins: 'payment', ends: [] },
  paymentdebited: { begins: 'review', ends: ['payment'] },
  paymentdeclined: { begins: 'settlement', ends: ['payment'] },
  approved: { ends: STEPS },
  rejected: { begins: 'settlement', ends: ['review'] },
  cancelrequested: { begins: 'settlement', ends: ['payment', 'review'] },
  voidrequested: { begins: 'void', ends: ['payment', 'review', 'settlement'] },
  paymentvoided: { begins: 'settlement', ends: ['payment', 'review', 'void'] },
  cancelled: { ends: STEPS },
  needsattention: { ends: ['void'] },
  resolved: { begins: 'settlement', ends: [] },
};

/**
 * Milliseconds that a wait lasts.
 *
 * @param attempt void requests so far, from 1; says nothing for the other steps
 */
export function waitMs(step: Step, policy: CoordinatorPolicy, attempt = 1): number {
  switch (step) {
    case 'payment':
      return policy.paymentMs;
    case 'review':
      return policy.reviewMs;
    case 'void':
      // No jitter: replicas must come to the same time, and a void at the provider is idempotent.
      return Math.min(policy.voidMostMs, policy.voidMs * 2 ** Math.min(attempt - 1, 30));
    case 'settlement':
      return 0;
  }
}

/** What the coordinator is to do about an order when it stays as it is. */
export interface Course {
  step: Step;
  command: OrderCommand;
}

/**
 * The coordinator's next command on an order, and what is waited for until then. Undefined: nothing, because the order
 * has ended or a person has to act. No result of a payment means *unknown*, not *unpaid*, so whatever is not known to be
 * settled is voided before it is cancelled.
 */
export function courseOf(state: OrderState, policy: CoordinatorPolicy): Course | undefined {
  if (state.status === 'None' || isFinal(state.status)) return undefined;
  const { status, books, reason, voidAttempts } = state;
  const why = reason ?? 'ended by the coordinator';
  const settle = (command: OrderCommand): Course => ({ step: 'settlement', command });
  if (books.resolution !== undefined)
    return settle({ type: 'cancel', reason: `resolved: ${books.resolution}` });
  if (books.voidConfirmed) return settle({ type: 'cancel', reason: why });

  switch (status) {
    case 'Pending':
      return {
        step: 'payment',
        command: {
          type: 'requestVoid',
          reason: `no payment result within ${policy.paymentMs / 1000} s`,
        },
      };
    case 'PaymentDebited':
      return {
        step: 'review',
        command: { type: 'requestVoid', reason: `no review within ${policy.reviewMs / 1000} s` },
      };
    case 'Declined':
      return settle({ type: 'cancel', reason: why });
    case 'Rejected':
    case 'Cancelling':
      return settle({ type: 'requestVoid', reason: why });
    case 'Voiding':
      if (voidAttempts < policy.voidAttempts)
        return { step: 'void', command: { type: 'requestVoid', reason: why } };
      return {
        step: 'void',
        command: {
          type: 'raiseAttention',
          reason: `the payment could not be voided in ${voidAttempts} attempts (${why})`,
        },
      };
    case 'NeedsAttention':
    case 'Approved':
    case 'Cancelled':
      return undefined;
  }
}

/** An order's course with the event that it follows from and the time it is due. */
export interface DueCourse extends Course {
  /** Milliseconds since 1970. */
  dueAt: number;
  /** The newest event of the history: the decision is appended on its version, under an id derived from its id. */
  cause: RecordedEvent;
}

/**
 * The course that a recorded history asks for.
 *
 * @param history one order's events, oldest first
 * @throws UndecodableEvent, ImpossibleHistory
 */
export function courseOfHistory(
  history: readonly RecordedEvent[],
  policy: CoordinatorPolicy,
  defaultCurrency?: string,
): { state: OrderState; course?: DueCourse } {
  let state = initialOrder;
  const began = new Map<Step, number>();
  for (const recorded of history) {
    const event = decodeOrderEvent(recorded, defaultCurrency);
    state = evolve(state, { ...event, eventId: recorded.eventId });
    const { begins } = WAITS[event.name];
    if (begins) began.set(begins, Date.parse(recorded.recordedAt));
  }
  const cause = history.at(-1);
  const course = courseOf(state, policy);
  if (!cause || !course || state.status === 'None') return { state };
  const since = began.get(course.step) ?? Date.parse(cause.recordedAt);
  const dueAt = since + waitMs(course.step, policy, state.voidAttempts);
  return { state, course: { ...course, dueAt, cause } };
}
