export { adviceOn } from './advice';
export { appendCaused } from './append-caused';
export { EventStoreClient, type EventStoreClientOptions, type LogPage, type LogState } from './client';
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
