import { status } from '@grpc/grpc-js';
import { STORE_REASONS } from '@headwater/contracts';
import {
  EventIdClash,
  InvalidRequest,
  LogRefused,
  Overloaded,
  StoreUnavailable,
  UnknownLog,
  VersionConflict,
} from '@headwater/eventstore';
import { StoreFault } from '@headwater/eventstore-api';

/** What the caller is told of an error. What is none of the store's own is INTERNAL, and for the operator to read. */
export function faultFrom(error: unknown): StoreFault {
  if (!(error instanceof Error)) return internal(String(error));
  const { message } = error;
  if (error instanceof InvalidRequest) {
    return { code: status.INVALID_ARGUMENT, reason: STORE_REASONS.invalid, message, field: error.field };
  }
  if (error instanceof VersionConflict) {
    const { aggregateId, expected, actual } = error;
    const metadata = { aggregate_id: aggregateId, expected, actual: String(actual) };
    return { code: status.ABORTED, reason: STORE_REASONS.versionConflict, message, metadata };
  }
  if (error instanceof EventIdClash) {
    const metadata = { event_id: error.eventId, log: error.log, position: String(error.position) };
    return { code: status.ALREADY_EXISTS, reason: STORE_REASONS.idClash, message, metadata };
  }
  if (error instanceof UnknownLog) {
    return { code: status.NOT_FOUND, reason: STORE_REASONS.unknownLog, message };
  }
  if (error instanceof LogRefused) {
    const metadata = { log: error.log };
    return { code: status.UNAVAILABLE, reason: STORE_REASONS.logRefused, message, metadata };
  }
  if (error instanceof Overloaded) {
    const { retryAfterMs } = error;
    return { code: status.RESOURCE_EXHAUSTED, reason: STORE_REASONS.overloaded, message, retryAfterMs };
  }
  if (error instanceof StoreUnavailable) {
    return { code: status.UNAVAILABLE, reason: STORE_REASONS.unavailable, message, retryAfterMs: 250 };
  }
  if (error instanceof CallGone) return { code: status.CANCELLED, message };
  return internal('the event store met an error of its own; its log says which');
}

const internal = (message: string): StoreFault => ({ code: status.INTERNAL, message });

/** The caller has cancelled, or its deadline has passed. */
export class CallGone extends Error {
  override readonly name = 'CallGone';
}
