import { ORDER_EVENTS, orderEventName, RecordedEvent } from '@headwater/contracts';
import { CoordinatorPolicy, Step, WAITS, waitMs } from '@headwater/order-domain';
import { Deadline } from './deadline-rows';

/** What a run of events changes in the deadlines, already without what began and ended within the run. */
export interface DeadlineChanges {
  begun: Deadline[];
  ended: Pick<Deadline, 'orderId' | 'step' | 'version'>[];
}

/**
 * The deadlines that a gapless run of events begins and ends. An order that is placed and approved within the run changes
 * nothing, and so costs no SQL. Only the types and versions of events are read, so that an event whose data nobody can
 * read does not stop the others.
 */
export function changesOf(events: readonly RecordedEvent[], policy: CoordinatorPolicy): DeadlineChanges {
  const begun = new Map<string, Map<Step, Deadline>>();
  const ended = new Map<string, { orderId: string; step: Step; version: number }>();
  /** Orders that begin within the run: SQL has no rows of them. */
  const placed = new Set<string>();
  for (const event of events) {
    const { aggregateId: orderId, version } = event;
    const name = orderEventName(event.eventType);
    if (!name) continue;
    if (version === 1) placed.add(orderId);
    const { begins, ends } = WAITS[name];
    const waits = begun.get(orderId);
    for (const step of ends) {
      waits?.delete(step);
      if (!placed.has(orderId)) ended.set(`${orderId} ${step}`, { orderId, step, version });
    }
    if (begins) {
      const dueAt = Date.parse(event.recordedAt) + waitMs(begins, policy, attemptOf(event));
      const deadline = { orderId, step: begins, version, dueAt };
      if (waits) waits.set(begins, deadline);
      else begun.set(orderId, new Map([[begins, deadline]]));
    }
  }
  return { begun: [...begun.values()].flatMap((waits) => [...waits.values()]), ended: [...ended.values()] };
}

/** Which void request this is; 1 for whatever does not say. When it is due, the whole history decides. */
function attemptOf({ eventType, data }: RecordedEvent): number {
  if (eventType !== ORDER_EVENTS.voidrequested.type) return 1;
  try {
    const { attempt } = JSON.parse(data) as { attempt?: unknown };
    return typeof attempt === 'number' && attempt >= 1 ? attempt : 1;
  } catch {
    return 1;
  }
}
