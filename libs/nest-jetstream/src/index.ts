export { BatchPull, type BatchPullOptions, type PulledBatch, type PulledMessage } from './batch-pull';
export { type Binding, BindingFault } from './binding';
export {
  deadLetterAggregate,
  deadLetterId,
  DeadLetterLog,
  type DeadLetterSink,
  type DeadLetterStore,
  type ParkingReason,
} from './dead-letter';
export { type Content, type Delivery, deliveryFromLog, type RawMessage } from './delivery';
export { type Classify, DependencyUnavailable, TerminalError, type Verdict } from './errors';
export { JetStreamContext } from './jetstream-context';
export {
  JetStreamStrategy,
  type JetStreamStrategyOptions,
  type Log,
  type RedriveOptions,
} from './jetstream-strategy';
export { KeepErrors, keepErrors } from './keep-errors';
export { type Missing, missingAfter, type ReadLog } from './lost-messages';
export { receiveRedriven, type RedrivenOptions } from './receive-redriven';
export { DEFAULT_RETRY_POLICY, type RetryPolicy } from './retry-policy';
export { type FollowedStore } from './waiting-behind';
