/** Bounds of the event store, the same at every door. NATS refuses messages over 1 MiB including headers. */
export const LIMITS = {
  /** Bytes of data and metadata of one event. */
  eventBytes: 512 * 1024,
  /** Bytes of data and metadata of one append. */
  appendBytes: 4 * 1024 * 1024,
  eventsPerAppend: 256,
  idLength: 128,
} as const;

/** `<LOG>.<name>`; the first token names the log. */
export const EVENT_TYPE_PATTERN = /^([A-Z][A-Z0-9_-]*)\.([a-z0-9]+)$/;

const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

/** What is wrong with an id (event, aggregate, aggregate type), or undefined. */
export function faultOfId(id: string): string | undefined {
  if (id.length === 0) return 'must not be empty';
  if (id.length > LIMITS.idLength) return `must have at most ${LIMITS.idLength} characters, has ${id.length}`;
  if (CONTROL_CHARACTER.test(id)) return 'must not contain control characters';
  return undefined;
}

/** What is wrong with an event type of the given log, or undefined. */
export function faultOfEventType(eventType: string, log: string): string | undefined {
  if (eventType.length > LIMITS.idLength) return `must have at most ${LIMITS.idLength} characters`;
  const match = EVENT_TYPE_PATTERN.exec(eventType);
  if (!match) return `must look like ${log}.created, is ${JSON.stringify(eventType)}`;
  if (match[1] !== log) return `must start with the log's name ${log}, is ${JSON.stringify(eventType)}`;
  return undefined;
}
