export { EVENTSTORE_MIGRATIONS } from './migrations';
export { declareLogs, faultOfLogName } from './declare-logs';
export { digestOf } from './digest';
export {
  EventIdClash,
  InvalidRequest,
  LogDamaged,
  LogRefused,
  Overloaded,
  StoreUnavailable,
  UnknownLog,
  VersionConflict,
} from './errors';
export { EventStore, type EventStoreOptions, type FollowedPage, type ReadLogOptions } from './event-store';
export { getHead, getLog, type LogState } from './get-log';
export { GROUP_COMMIT_LIMITS, type GroupCommitLimits } from './group-commit';
export { type PageBounds } from './page';
export { readEvent, type ReadAggregateOptions } from './read-aggregate';
export { type LoggedEvent, readAfter } from './read-after';
export { type LogPage } from './read-log';
export { type AggregateRequest, type AppendRequest, type EventRequest } from './request';
export { recordedEvent, type StoredEvent } from './stored-event';
export { importEvents, ImportRefused } from './import-events';
export { allowAppends, type LogStanding, readLogStanding, refuseAppends } from './log-refusal';
export {
  declareRelay,
  loadRelayed,
  readEventIds,
  readRelayLag,
  type RelayLag,
  relayLeaseRow,
  saveHalted,
  saveRelayed,
} from './relay-checkpoint';
