import { EventMetadata, RecordedEvent } from './event';

/** CloudEvents 1.0, binary mode, NATS binding: `ce-` attributes in headers, the data as body. */
const H = {
  specversion: 'ce-specversion',
  id: 'ce-id',
  type: 'ce-type',
  source: 'ce-source',
  subject: 'ce-subject',
  time: 'ce-time',
  contentType: 'content-type',
  aggregateType: 'ce-aggregatetype',
  version: 'ce-version',
  position: 'ce-position',
  correlationId: 'ce-correlationid',
  causationId: 'ce-causationid',
  schemaVersion: 'ce-schemaversion',
  requestDigest: 'ce-requestdigest',
  digest: 'ce-digest',
  traceparent: 'traceparent',
} as const;

export const HEADERS = H;

/** What a header value must not hold as it is: outside printable ASCII, and space, quote and percent. */
const UNSAFE = /[^\u0021-\u007e]|["%]/gu;
const encoder = new TextEncoder();
const percent = (char: string): string =>
  Array.from(encoder.encode(char), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

/** Percent-encoding of the CloudEvents NATS protocol binding, section 3.1.3.2. */
export function encodeHeaderValue(value: string): string {
  return UNSAFE.test(value) ? value.replace(UNSAFE, percent) : value;
}

export function decodeHeaderValue(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/**
 * Headers of a recorded event as pairs, in a fixed order. What a worker noted about its delivery stays in the log: nobody
 * downstream acts on it. `digest` is the store's own, so that a lost tail can be imported
 * again.
 */
export function headersOf(event: RecordedEvent, digest?: string): [string, string][] {
  const { metadata } = event;
  const pairs: [string, string | undefined][] = [
    [H.specversion, '1.0'],
    [H.id, event.eventId],
    [H.type, event.eventType],
    [H.source, `/headwater/logs/${event.log}`],
    [H.subject, event.aggregateId],
    [H.time, event.recordedAt],
    [H.contentType, 'application/json'],
    [H.aggregateType, event.aggregateType],
    [H.version, String(event.version)],
    [H.position, String(event.position)],
    [H.correlationId, metadata.correlationId],
    [H.causationId, metadata.causationId],
    [H.schemaVersion, metadata.schemaVersion === undefined ? undefined : String(metadata.schemaVersion)],
    [H.requestDigest, metadata.requestDigest],
    [H.digest, digest],
    [H.traceparent, metadata.traceparent],
  ];
  return pairs.flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, encodeHeaderValue(value)]],
  );
}

/** A message that is not an event of the log it was found in; `message` says what is missing or wrong. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

const LOG_OF_TYPE = /^([A-Z][A-Z0-9_-]*)\./;

/**
 * The recorded event that a message carries.
 *
 * @param header reads one header, undefined or '' when absent
 * @throws MalformedMessage
 */
export function eventOfMessage(header: (name: string) => string | undefined, body: string): RecordedEvent {
  const optional = (name: string): string | undefined => {
    const value = header(name);
    return value === undefined || value === '' ? undefined : decodeHeaderValue(value);
  };
  const required = (name: string): string => {
    const value = optional(name);
    if (value === undefined) throw new MalformedMessage(`the header ${name} is missing`);
    return value;
  };
  const integer = (name: string): number => {
    const value = Number(required(name));
    if (!Number.isSafeInteger(value) || value < 1)
      throw new MalformedMessage(`the header ${name} is not a positive integer`);
    return value;
  };
  const eventType = required(H.type);
  const log = LOG_OF_TYPE.exec(eventType)?.[1];
  if (!log) throw new MalformedMessage(`the header ${H.type} is not an event type: ${eventType}`);
  const schemaVersion = optional(H.schemaVersion);
  return {
    log,
    position: integer(H.position),
    eventId: required(H.id),
    eventType,
    aggregateId: required(H.subject),
    aggregateType: optional(H.aggregateType) ?? '',
    version: integer(H.version),
    data: body,
    metadata: withoutUndefined({
      correlationId: optional(H.correlationId),
      causationId: optional(H.causationId),
      traceparent: optional(H.traceparent),
      schemaVersion: schemaVersion === undefined ? undefined : Number(schemaVersion),
      requestDigest: optional(H.requestDigest),
    }),
    recordedAt: optional(H.time) ?? '',
  };
}

/** Absent instead of undefined, so that what comes from a message equals what comes from SQL. */
function withoutUndefined(metadata: EventMetadata): EventMetadata {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined));
}
