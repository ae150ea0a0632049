import { AggregateAppend, AppendResult, ExpectedVersion, LIMITS, RecordedEvent } from '@headwater/contracts';
import {
  AppendRequest,
  AppendResponse,
  ExpectedVersion as WireExpected,
  ExpectedVersion_Kind as Kind,
  RecordedEvent as WireEvent,
} from '@headwater/eventstore-api';
import { InvalidAppend } from './errors';

export interface SizedRequest {
  request: AppendRequest;
  /** Bytes of data and metadata. */
  bytes: number;
}

/**
 * The request as it goes on the wire.
 *
 * @throws InvalidAppend when it is larger than a message may be; everything else is judged by the store
 */
export function requestOf(log: string, aggregates: readonly AggregateAppend[]): SizedRequest {
  let bytes = 0;
  let count = 0;
  const request: AppendRequest = {
    log,
    aggregates: aggregates.map(({ aggregateId, aggregateType, expected, events }) => ({
      aggregateId,
      aggregateType,
      expected: expectedOf(expected),
      events: events.map(({ eventId, eventType, data, metadata }) => {
        const text = metadata === undefined ? '' : JSON.stringify(metadata);
        bytes += Buffer.byteLength(data) + Buffer.byteLength(text);
        count++;
        return { eventId, eventType, data, metadata: text };
      }),
    })),
  };
  if (bytes > LIMITS.appendBytes)
    throw new InvalidAppend(`the append has ${bytes} bytes, at most ${LIMITS.appendBytes}`, 'aggregates');
  if (count > LIMITS.eventsPerAppend)
    throw new InvalidAppend(
      `the append has ${count} events, at most ${LIMITS.eventsPerAppend}`,
      'aggregates',
    );
  return { request, bytes };
}

function expectedOf(expected: ExpectedVersion): WireExpected {
  switch (expected) {
    case 'any':
      return { kind: Kind.KIND_ANY, version: 0 };
    case 'no_stream':
      return { kind: Kind.KIND_NO_STREAM, version: 0 };
    case 'exists':
      return { kind: Kind.KIND_EXISTS, version: 0 };
    default:
      return { kind: Kind.KIND_EXACT, version: expected };
  }
}

export const resultOf = ({ events, repeatedAppend }: AppendResponse): AppendResult => ({
  events,
  repeated: repeatedAppend,
});

export function recordedOf(event: WireEvent): RecordedEvent {
  return { ...event, metadata: metadataOf(event.metadata) };
}

/** The store has checked that it is a JSON object. */
function metadataOf(text: string): RecordedEvent['metadata'] {
  return text === '' ? {} : (JSON.parse(text) as RecordedEvent['metadata']);
}
