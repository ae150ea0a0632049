import { z } from 'zod';
import { canonicalInstant } from './canonical';
import { completeConsumer, ConsumerLimits } from './complete-consumer';
import { completeStream, inheritedByStream } from './complete-stream';
import { connectionSpec } from './connection-spec';
import { CONSUMER_FIELDS, ConsumerSpec, consumerSpec } from './consumer-spec';
import { ServerConfig } from './jetstream-info';
import { API_VERSION } from './kinds';
import { OWNER_KEY, PAUSE_KEY, withMetadata } from './mark';
import { Policies, policiesOf } from './policies';
import { ComparedField, comparedFields, toConfig } from './server-config';
import { STREAM_FIELDS, StreamSpec, streamSpec } from './stream-spec';

/** What Kubernetes knows about the object; only the name means something here. */
const objectMeta = z.looseObject({ name: z.string().min(1) });

export const streamManifest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Stream'),
  metadata: objectMeta,
  spec: streamSpec,
});
export const consumerManifest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Consumer'),
  metadata: objectMeta,
  spec: consumerSpec,
});
export const connectionManifest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Connection'),
  metadata: objectMeta,
  spec: connectionSpec,
});
export const manifestSchema = z.discriminatedUnion('kind', [streamManifest, consumerManifest]);

export type StreamManifest = z.infer<typeof streamManifest>;
export type ConsumerManifest = z.infer<typeof consumerManifest>;
/** A declared stream or consumer. */
export type Manifest = z.infer<typeof manifestSchema>;
/** What of a manifest says how the object is to be. */
export type Declared = Pick<StreamManifest, 'kind' | 'spec'> | Pick<ConsumerManifest, 'kind' | 'spec'>;

/** A manifest as the server is to hold it. */
export interface Desired {
  readonly kind: Manifest['kind'];
  /** Name of the stream that it is or belongs to. */
  readonly stream: string;
  /** Durable name; absent for a stream. */
  readonly consumer?: string;
  readonly owner: string;
  readonly policies: Policies;
  /** The configuration to send, with the owner's mark. */
  readonly config: ServerConfig;
  readonly fields: readonly ComparedField[];
  /** A configuration with what the server fills in. */
  readonly complete: (config: ServerConfig, limits?: ConsumerLimits) => ServerConfig;
  /** Names of fields that the server chooses by itself, since they are not declared. */
  readonly inherited: readonly string[];
  /** RFC 3339 in UTC. */
  readonly pauseUntil?: string;
}

const STREAM_COMPARISON = comparedFields(STREAM_FIELDS);
const CONSUMER_COMPARISON = comparedFields(CONSUMER_FIELDS);

/** What the server is to hold for a manifest, marked as the owner's. */
export function desiredOf(manifest: Declared, owner: string): Desired {
  switch (manifest.kind) {
    case 'Stream':
      return desiredStream(manifest.spec, owner);
    case 'Consumer':
      return desiredConsumer(manifest.spec, owner);
  }
}

/** What the server is to hold for a stream. */
export function desiredStream(spec: StreamSpec, owner: string): Desired {
  const config = withMetadata(toConfig(STREAM_FIELDS, spec), { [OWNER_KEY]: owner });
  return {
    kind: 'Stream',
    stream: spec.name,
    owner,
    policies: policiesOf(spec),
    config,
    fields: STREAM_COMPARISON,
    complete: completeStream,
    inherited: inheritedByStream(config).filter((name) => !(name in config)),
  };
}

/** What the server is to hold for a consumer. */
export function desiredConsumer(spec: ConsumerSpec, owner: string): Desired {
  const pauseUntil = canonicalInstant(spec.pauseUntil);
  // The one default that is not the server's, which is none.
  const declared = { ...spec, ackPolicy: spec.ackPolicy ?? 'explicit' };
  const noted = typeof pauseUntil === 'string' ? pauseUntil : undefined;
  return {
    kind: 'Consumer',
    stream: spec.streamName,
    consumer: spec.durableName,
    owner,
    policies: policiesOf(spec),
    config: withMetadata(toConfig(CONSUMER_FIELDS, declared), { [OWNER_KEY]: owner, [PAUSE_KEY]: noted }),
    fields: CONSUMER_COMPARISON,
    complete: completeConsumer,
    inherited: [],
    ...(noted === undefined ? {} : { pauseUntil: noted }),
  };
}

/** `Stream ORDERS`, or `Consumer ORDERS/payment-worker`. */
export const titleOf = ({ kind, stream, consumer }: Desired): string =>
  consumer === undefined ? `${kind} ${stream}` : `${kind} ${stream}/${consumer}`;
