import { ServiceError, status } from '@grpc/grpc-js';
import { STORE_REASONS } from '@headwater/contracts';
import { faultOfCall, StoreFault } from '@headwater/eventstore-api';

/** The aggregate is not at the version that was expected. Nothing was stored; read it again and decide anew. */
export class VersionConflict extends Error {
  override readonly name = 'VersionConflict';

  constructor(
    message: string,
    readonly aggregateId: string,
    /** A number, or `no_stream` or `exists`. */
    readonly expected: string,
    readonly actual: number,
  ) {
    super(message);
  }
}

/** An event id is taken by another event, or only a part of these events is stored. Never transient. */
export class EventIdClash extends Error {
  override readonly name = 'EventIdClash';

  constructor(
    message: string,
    readonly eventId: string,
  ) {
    super(message);
  }
}

/** The store will never take this; `field` names what is wrong, for example `aggregates[0].events[1].event_type`. */
export class InvalidAppend extends Error {
  override readonly name = 'InvalidAppend';

  constructor(
    message: string,
    readonly field: string,
  ) {
    super(message);
  }
}

/** The log is not declared in this event store. */
export class UnknownLog extends Error {
  override readonly name = 'UnknownLog';
}

/** Appends to this log are refused until an operator has repaired it; the message says why. */
export class LogRefused extends Error {
  override readonly name = 'LogRefused';
}

/** More appends wait than may; nothing was stored. */
export class Overloaded extends Error {
  override readonly name = 'Overloaded';

  constructor(
    message: string,
    readonly retryAfterMs: number,
  ) {
    super(message);
  }
}

/** The event store, or its database, can't be reached. An append may have happened: repeat it as it was. */
export class EventStoreUnavailable extends Error {
  override readonly name = 'EventStoreUnavailable';
}

/** The event store answered with a fault of its own. */
export class EventStoreFailure extends Error {
  override readonly name = 'EventStoreFailure';
}

/** The error class for what the event store answered. */
export function errorOf(fault: StoreFault, cause?: unknown): Error {
  const { message, metadata = {} } = fault;
  switch (fault.reason) {
    case STORE_REASONS.versionConflict:
      return new VersionConflict(
        message,
        metadata['aggregate_id'] ?? '',
        metadata['expected'] ?? '',
        Number(metadata['actual']),
      );
    case STORE_REASONS.idClash:
      return new EventIdClash(message, metadata['event_id'] ?? '');
    case STORE_REASONS.invalid:
      return new InvalidAppend(message, fault.field ?? '');
    case STORE_REASONS.unknownLog:
      return new UnknownLog(message);
    case STORE_REASONS.logRefused:
      return new LogRefused(message);
    case STORE_REASONS.overloaded:
      return new Overloaded(message, fault.retryAfterMs ?? 100);
    case STORE_REASONS.unavailable:
      return new EventStoreUnavailable(message, { cause });
    case undefined:
      return TRANSPORT_CODES.has(fault.code)
        ? new EventStoreUnavailable(message, { cause })
        : new EventStoreFailure(message, { cause });
  }
}

/** What gRPC itself says when a call got no answer. */
const TRANSPORT_CODES = new Set([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.RESOURCE_EXHAUSTED,
]);

export const errorOfCall = (error: ServiceError): Error => errorOf(faultOfCall(error), error);

export const isServiceError = (error: unknown): error is ServiceError =>
  error instanceof Error && 'code' in error && 'details' in error;
