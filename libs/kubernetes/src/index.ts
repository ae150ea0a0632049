export { KubernetesClient } from './client';
export {
  type Applied,
  type ApplyOptions,
  type ClientOptions,
  type DeleteOptions,
  type ListOptions,
  type ObjectList,
  type RawRequest,
  type WatchOptions,
} from './client-options';
export {
  accessFromEnvironment,
  accessFromKubeConfig,
  type ClusterAccess,
  type ClusterCredentials,
  type ClusterTls,
  tokenAccess,
} from './cluster-access';
export {
  type Condition,
  conditionOf,
  type ConditionStatus,
  isTrue,
  removeCondition,
  setCondition,
  wholeSeconds,
} from './conditions';
export { type ReconcileResult, runWorkers, TerminalError, type WorkersOptions } from './controller';
export {
  type ApiErrorDetails,
  isConflict,
  isExpired,
  isForbidden,
  isNotFound,
  KubernetesApiError,
  KubernetesConnectionError,
} from './errors';
export { EventRecorder, type EventRecorderOptions, type RecordedEvent } from './event-recorder';
export { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers';
export { Informer, type InformerChange, type InformerOptions } from './informer';
export { type LeaderElectionOptions, LeadershipLostError, runLeaderElection } from './leader-election';
export { type RuntimeLog, silentLog } from './log';
export { type ReconcileOutcome, RuntimeMetrics } from './metrics';
export {
  apiVersionOf,
  keyOf,
  type KubernetesObject,
  type ObjectMeta,
  type ObjectRef,
  type OwnerReference,
  pathOf,
  refOf,
  type ResourceType,
} from './objects';
export { sameJson } from './same-json';
export { StatusWriter, type StatusWriterOptions } from './status';
export { type WatchEvent } from './watch-stream';
export { WorkQueue, type WorkQueueOptions } from './work-queue';
