import { AggregateAppend, AppendResult, RecordedEvent } from '@headwater/contracts';
import { EventIdClash, VersionConflict } from '@headwater/eventstore-client';

/** The event store's rules without SQL: expected versions are exact, and an event id is stored once. */
export class MemoryLog {
  readonly events: RecordedEvent[] = [];

  /** @param now milliseconds since 1970 */
  constructor(private readonly now: () => number) {}

  append(log: string, aggregates: readonly AggregateAppend[]): AppendResult {
    const [aggregate, ...others] = aggregates;
    const [event, ...more] = aggregate?.events ?? [];
    if (!aggregate || !event || others.length + more.length > 0)
      throw new Error('only single events are appended here');
    const { aggregateId, aggregateType, expected } = aggregate;
    const stored = this.events.find(({ eventId }) => eventId === event.eventId);
    if (stored) {
      if (stored.eventType !== event.eventType || stored.data !== event.data)
        throw new EventIdClash(`${event.eventId} is another event's`, event.eventId);
      return resultOf(stored, true);
    }
    const version = this.history(aggregateId).length;
    const matches =
      expected === 'any' ||
      (expected === 'exists' && version > 0) ||
      (expected === 'no_stream' && version === 0) ||
      expected === version;
    if (!matches)
      throw new VersionConflict(`${aggregateId} is at ${version}`, aggregateId, String(expected), version);
    const recorded: RecordedEvent = {
      log,
      position: this.events.length + 1,
      eventId: event.eventId,
      eventType: event.eventType,
      aggregateId,
      aggregateType,
      version: version + 1,
      data: event.data,
      metadata: event.metadata ?? {},
      recordedAt: new Date(this.now()).toISOString(),
    };
    this.events.push(recorded);
    return resultOf(recorded, false);
  }

  history(aggregateId: string): RecordedEvent[] {
    return this.events.filter((event) => event.aggregateId === aggregateId);
  }
}

const resultOf = ({ position, version, eventId }: RecordedEvent, repeated: boolean): AppendResult => ({
  events: [{ eventId, version, position }],
  repeated,
});
