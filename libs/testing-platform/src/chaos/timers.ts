import { CONSUMERS, ORDER_EVENTS, RecordedEvent } from '@headwater/contracts';
import { RecoveryTimes, timesOf } from './recovery';

/** A span of time, in milliseconds since 1970. */
export interface Span {
  from: number;
  until: number;
}

export interface TimerReport {
  /** Milliseconds from the end of a wait to the coordinator's decision, over the whole run. */
  all: RecoveryTimes;
  /** Of those that were due while nothing was struck, or had been repaired. */
  undisturbed: RecoveryTimes;
}

/**
 * How the coordinator's deadlines were met, from what its decisions say of themselves in the log.
 *
 * @param disturbed when something was struck and not yet at work again
 * @returns also every decision that came before its time, or twice
 */
export function checkTimers(
  events: readonly RecordedEvent[],
  disturbed: readonly Span[],
): { timers: TimerReport; faults: string[] } {
  const faults: string[] = [];
  const all: number[] = [];
  const undisturbed: number[] = [];
  const attempts = new Map<string, number>();
  const recordedAt = new Map(events.map((event) => [event.eventId, Date.parse(event.recordedAt)]));
  for (const { eventType, aggregateId, data, metadata } of events) {
    if (eventType === ORDER_EVENTS.voidrequested.type) {
      const { attempt } = JSON.parse(data) as { attempt: number };
      const before = attempts.get(aggregateId) ?? 0;
      if (attempt !== before + 1) faults.push(`void request ${attempt} of ${aggregateId} follows ${before}`);
      attempts.set(aggregateId, attempt);
    }
    const { delivery } = metadata;
    if (delivery?.worker !== CONSUMERS.coordinator) continue;
    if (delivery.handledMs < 0) faults.push(`${eventType} of ${aggregateId} came before its time`);
    const due = Date.parse(delivery.receivedAt);
    // What follows from an event at once is no timer.
    if (due <= (recordedAt.get(metadata.causationId ?? '') ?? 0)) continue;
    all.push(delivery.handledMs);
    if (!disturbed.some(({ from, until }) => due >= from && due <= until))
      undisturbed.push(delivery.handledMs);
  }
  return { timers: { all: timesOf(all), undisturbed: timesOf(undisturbed) }, faults };
}
