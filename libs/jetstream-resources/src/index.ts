export { type Applied, apply, type ApplyOptions, DEFAULT_OWNER } from './apply';
export { type ConsumerSpec, consumerSpec, toConsumerConfig } from './consumer-spec';
export { parseDuration } from './duration';
export { type ServerConfig } from './field-mapping';
export { JetStreamRefusal } from './jetstream-api';
export { keepApplied, type KeepAppliedOptions } from './keep-applied';
export {
  API_VERSION,
  type ConsumerManifest,
  type Desired,
  desiredOf,
  type Manifest,
  manifestSchema,
  type StreamManifest,
} from './manifest';
export { differences, type Plan, plan } from './plan';
export { ManifestError, parseManifests, readManifests } from './read-manifests';
export { OWNER_KEY } from './spec-types';
export { type StreamSpec, streamSpec, toStreamConfig } from './stream-spec';
