import { Metadata, ServiceError, status, StatusObject } from '@grpc/grpc-js';
import { STORE_ERROR_DOMAIN, STORE_REASONS, StoreReason } from '@headwater/contracts';
import type { Status } from './generated/google/rpc/status.pb';
import { messages } from './definitions';

/** What an event store answers instead of a result, whichever way it travels. */
export interface StoreFault {
  code: status;
  /** Absent when the answer does not come from the event store itself. */
  reason?: StoreReason;
  message: string;
  /** `aggregate_id`, `expected`, `actual`, `event_id`, `log`. */
  metadata?: Readonly<Record<string, string>>;
  /** The field of the request that is wrong. */
  field?: string;
  retryAfterMs?: number;
}

const DETAILS = 'grpc-status-details-bin';
const TYPES = {
  errorInfo: 'type.googleapis.com/google.rpc.ErrorInfo',
  badRequest: 'type.googleapis.com/google.rpc.BadRequest',
  retryInfo: 'type.googleapis.com/google.rpc.RetryInfo',
} as const;

type Detail = Status['details'][number];

/** protobufjs brings an Any of its own, whose field kept its underscore; on the wire they are one. */
function detail(typeUrl: string, value: Uint8Array): Detail {
  const both = { typeUrl, type_url: typeUrl, value };
  return both;
}

function typeUrlOf(any: Detail & { type_url?: string }): string {
  return any.type_url ?? any.typeUrl;
}

/** A fault as google.rpc.Status, with ErrorInfo and where they say something BadRequest and RetryInfo. */
export function statusOf(fault: StoreFault): Status {
  const details: Status['details'] = [];
  if (fault.reason !== undefined) {
    const info = { reason: fault.reason, domain: STORE_ERROR_DOMAIN, metadata: { ...fault.metadata } };
    details.push(detail(TYPES.errorInfo, messages.errorInfo.serialize(info)));
  }
  if (fault.field !== undefined) {
    const fieldViolations = [{ field: fault.field, description: fault.message }];
    details.push(detail(TYPES.badRequest, messages.badRequest.serialize({ fieldViolations })));
  }
  if (fault.retryAfterMs !== undefined) {
    const seconds = Math.floor(fault.retryAfterMs / 1000);
    const nanos = Math.round((fault.retryAfterMs % 1000) * 1e6);
    details.push(detail(TYPES.retryInfo, messages.retryInfo.serialize({ retryDelay: { seconds, nanos } })));
  }
  return { code: fault.code, message: fault.message, details };
}

const REASONS = new Map<string, StoreReason>(Object.values(STORE_REASONS).map((reason) => [reason, reason]));

/** The fault that a google.rpc.Status tells of; details of other kinds and domains are left out. */
export function faultOf(answer: Status): StoreFault {
  const fault: StoreFault = { code: answer.code, message: answer.message };
  for (const any of answer.details) {
    const { value } = any;
    const typeUrl = typeUrlOf(any);
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    if (typeUrl === TYPES.errorInfo) {
      const info = messages.errorInfo.deserialize(bytes);
      if (info.domain !== STORE_ERROR_DOMAIN) continue;
      const reason = REASONS.get(info.reason);
      if (reason !== undefined) fault.reason = reason;
      fault.metadata = { ...info.metadata };
    } else if (typeUrl === TYPES.badRequest) {
      const [violation] = messages.badRequest.deserialize(bytes).fieldViolations;
      if (violation) fault.field = violation.field;
    } else if (typeUrl === TYPES.retryInfo) {
      const { retryDelay } = messages.retryInfo.deserialize(bytes);
      if (retryDelay) fault.retryAfterMs = retryDelay.seconds * 1000 + retryDelay.nanos / 1e6;
    }
  }
  return fault;
}

/** How a call is ended with a fault: code, message, and the details as trailing metadata. */
export function trailerOf(fault: StoreFault): Pick<StatusObject, 'code' | 'details' | 'metadata'> {
  const metadata = new Metadata();
  metadata.set(DETAILS, messages.status.serialize(statusOf(fault)));
  return { code: fault.code, details: fault.message, metadata };
}

/** The fault that ended a call. */
export function faultOfCall(error: ServiceError): StoreFault {
  const [details] = error.metadata?.get(DETAILS) ?? [];
  if (Buffer.isBuffer(details)) {
    try {
      return faultOf(messages.status.deserialize(details));
    } catch {
      // Somebody else's details: code and message remain.
    }
  }
  return { code: error.code, message: error.details || error.message };
}
