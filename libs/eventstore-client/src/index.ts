export { adviceOn } from './advice';
export { appendCaused } from './append-caused';
export { appendDecided, type DecidedEvent } from './append-decided';
export { EventStoreClient, type EventStoreClientOptions, type LogPage, type LogState } from './client';
export { appendOnVersion } from './append-on-version';
export { decideOnDeadLetters } from './decide-on-dead-letters';
export { deriveEventId } from './derive-event-id';
export {
  EventIdClash,
  EventStoreFailure,
  EventStoreUnavailable,
  InvalidAppend,
  LogRefused,
  Overloaded,
  UnknownLog,
  VersionConflict,
} from './errors';
