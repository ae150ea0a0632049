import { ExpectedVersion } from '@headwater/contracts';
import { AppendRequest as StoreAppend, InvalidRequest, StoredEvent } from '@headwater/eventstore';
import {
  AppendRequest,
  ExpectedVersion as WireExpected,
  ExpectedVersion_Kind as Kind,
  RecordedEvent,
} from '@headwater/eventstore-api';

/** @throws InvalidRequest for what has no counterpart in the store; all else is checked there */
export function appendOf({ log, aggregates }: AppendRequest): StoreAppend {
  return {
    log,
    aggregates: aggregates.map(({ aggregateId, aggregateType, expected, events }, index) => ({
      aggregateId,
      aggregateType,
      expected: expectedOf(expected, `aggregates[${index}].expected.kind`),
      events,
    })),
  };
}

function expectedOf(expected: WireExpected | undefined | null, field: string): ExpectedVersion {
  switch (expected?.kind) {
    case undefined:
    case Kind.KIND_ANY:
      return 'any';
    case Kind.KIND_NO_STREAM:
      return 'no_stream';
    case Kind.KIND_EXISTS:
      return 'exists';
    case Kind.KIND_EXACT:
      return expected.version;
    case Kind.UNRECOGNIZED:
      break;
  }
  // A number that no kind has arrives as itself.
  throw new InvalidRequest(field, `is no known kind: ${String(expected.kind)}`);
}

/** The digest is the store's own. */
export const wireEvent = ({ digest: _, ...event }: StoredEvent): RecordedEvent => event;
