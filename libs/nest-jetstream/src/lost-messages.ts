import { RecordedEvent } from '@headwater/contracts';

/** Reads a log's events after a position, in order, in batches. */
export type ReadLog = (
  log: string,
  options: { after: number; eventTypes?: string[] },
) => AsyncIterable<RecordedEvent[]>;

/** Stream sequences, both inclusive. */
export interface Missing {
  first: number;
  last: number;
}

/**
 * What a stream has dropped before this consumer had acked it. When a limit is reached the broker drops messages without
 * an error and, a little later, moves the consumer's ack floor past them: so the floor to compare with is the one seen
 * before. Some of the range may have been handled; handling it again changes nothing.
 *
 * @param seenFloor the highest ack floor seen before, or the present one on the first look
 * @param firstSequence the first sequence that the stream still has
 */
export function missingAfter(seenFloor: number, firstSequence: number): Missing | undefined {
  return firstSequence > seenFloor + 1 ? { first: seenFloor + 1, last: firstSequence - 1 } : undefined;
}

/** The missing events, from their log. */
export async function* readMissing(
  readLog: ReadLog,
  log: string,
  missing: Missing,
  eventTypes: string[],
): AsyncGenerator<RecordedEvent> {
  for await (const batch of readLog(log, { after: missing.first - 1, eventTypes })) {
    for (const event of batch) {
      if (event.position > missing.last) return;
      yield event;
    }
  }
}
