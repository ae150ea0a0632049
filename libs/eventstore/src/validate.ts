import { ExpectedVersion, faultOfEventType, faultOfId, LIMITS } from '@headwater/contracts';
import { digestOf } from './digest';
import { InvalidRequest } from './errors';
import { AggregateRequest, AppendRequest, EventRequest, PreparedAppend, PreparedEvent } from './request';

/**
 * Checks an append against the limits and digests its events.
 *
 * @throws InvalidRequest naming the first field that is wrong
 */
export function prepareAppend(request: AppendRequest): PreparedAppend {
  const { log, aggregates } = request;
  if (aggregates.length === 0) throw new InvalidRequest('aggregates', 'must name at least one aggregate');
  const seen = { ids: new Set<string>(), aggregates: new Set<string>(), bytes: 0 };
  const prepared = aggregates.map((aggregate, index) => {
    const field = `aggregates[${index}]`;
    checkAggregate(aggregate, field);
    if (seen.aggregates.has(aggregate.aggregateId))
      throw new InvalidRequest(`${field}.aggregate_id`, 'is in this append twice');
    seen.aggregates.add(aggregate.aggregateId);
    const events = aggregate.events.map((event, at): PreparedEvent => {
      const name = `${field}.events[${at}]`;
      seen.bytes += checkEvent(event, log, name);
      if (seen.ids.has(event.eventId))
        throw new InvalidRequest(`${name}.event_id`, 'is in this append twice');
      seen.ids.add(event.eventId);
      const { aggregateId, aggregateType } = aggregate;
      return { ...event, digest: digestOf(log, event.eventType, aggregateId, aggregateType, event.data) };
    });
    return { ...aggregate, events };
  });
  if (seen.ids.size > LIMITS.eventsPerAppend)
    throw new InvalidRequest(
      'aggregates',
      `may have ${LIMITS.eventsPerAppend} events in all, have ${seen.ids.size}`,
    );
  if (seen.bytes > LIMITS.appendBytes)
    throw new InvalidRequest('aggregates', `may have ${LIMITS.appendBytes} bytes in all, have ${seen.bytes}`);
  return { log, aggregates: prepared, count: seen.ids.size, bytes: seen.bytes };
}

function checkAggregate(aggregate: AggregateRequest, field: string): void {
  refuse(`${field}.aggregate_id`, faultOfId(aggregate.aggregateId));
  refuse(`${field}.aggregate_type`, faultOfId(aggregate.aggregateType));
  refuse(`${field}.expected.version`, faultOfExpected(aggregate.expected));
  if (aggregate.events.length === 0)
    throw new InvalidRequest(`${field}.events`, 'must hold at least one event');
}

const faultOfExpected = (expected: ExpectedVersion): string | undefined =>
  typeof expected === 'number' && (!Number.isSafeInteger(expected) || expected < 0)
    ? 'must be an integer from 0 to 2^53 - 1'
    : undefined;

/** Bytes of data and metadata. */
function checkEvent(event: EventRequest, log: string, field: string): number {
  refuse(`${field}.event_id`, faultOfId(event.eventId));
  refuse(`${field}.event_type`, faultOfEventType(event.eventType, log));
  const bytes = Buffer.byteLength(event.data) + Buffer.byteLength(event.metadata);
  if (bytes > LIMITS.eventBytes)
    throw new InvalidRequest(
      `${field}.data`,
      `may have ${LIMITS.eventBytes} bytes together with metadata, has ${bytes}`,
    );
  if (event.data !== '' && jsonOf(event.data) === undefined)
    throw new InvalidRequest(`${field}.data`, 'must be JSON or empty');
  if (event.metadata !== '') {
    const metadata = jsonOf(event.metadata);
    if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
      throw new InvalidRequest(`${field}.metadata`, 'must be a JSON object or empty');
  }
  return bytes;
}

function refuse(field: string, fault: string | undefined): void {
  if (fault !== undefined) throw new InvalidRequest(field, fault);
}

/** Undefined when the text is no JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
