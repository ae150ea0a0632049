export { type Applied, apply, type ApplyOptions, DEFAULT_OWNER, type Memory } from './apply';
export { type ConnectionSpec, connectionSpec } from './connection-spec';
export { type ConsumerSpec, consumerSpec } from './consumer-spec';
export { converge, type ConvergeOptions, isAsDeclared } from './converge';
export { type Converted, convertNack, isNack } from './convert-nack';
export { type Convergence, type ConvergenceReason } from './convergence';
export { customResourceDefinition, DEFINITIONS, type KindDefinition, type OpenApi, specOpenApi } from './crd';
export { parseDuration } from './duration';
export { JetStreamApi, type JetStreamApiOptions } from './jetstream-api';
export {
  type ConsumerInfo,
  pausedUntil,
  replicasText,
  type ServerConfig,
  type StreamInfo,
} from './jetstream-info';
export { JetStreamRefusal } from './jetstream-refusal';
export { keepApplied, type KeepAppliedOptions } from './keep-applied';
export { API_GROUP, API_KIND_VERSION, API_VERSION, CONNECTION, CONSUMER, type Kind, STREAM } from './kinds';
export {
  type ConsumerManifest,
  type Declared,
  type Desired,
  desiredConsumer,
  desiredOf,
  desiredStream,
  type Manifest,
  manifestSchema,
  type StreamManifest,
  titleOf,
} from './manifest';
export { OWNER_KEY, ownerOf } from './mark';
export { changesOf, differences, type Plan, plan, type PlanContext } from './plan';
export { DEFAULT_POLICIES, type Policies, policiesOf, type PolicySpec } from './policies';
export { ManifestError, parseManifests, readManifests } from './read-manifests';
export { remove, type Removal } from './remove';
export { ackFloorOf, type Known } from './resume';
export { type FieldChange } from './server-config';
export {
  type ConnectionStatus,
  connectionStatus,
  type ConsumerStatus,
  consumerStatus,
  type StreamStatus,
  streamStatus,
} from './status';
export { type StreamSpec, streamSpec } from './stream-spec';
