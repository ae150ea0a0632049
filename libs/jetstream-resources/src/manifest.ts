import { z } from 'zod';
import { CONSUMER_COMPARISON, consumerSpec, toConsumerConfig } from './consumer-spec';
import { ComparedField, ServerConfig } from './field-mapping';
import { STREAM_COMPARISON, streamSpec, toStreamConfig } from './stream-spec';

export const API_VERSION = 'jetstream.headwater.dev/v1alpha1';

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
export const manifestSchema = z.discriminatedUnion('kind', [streamManifest, consumerManifest]);

export type StreamManifest = z.infer<typeof streamManifest>;
export type ConsumerManifest = z.infer<typeof consumerManifest>;
/** A declared stream or consumer. */
export type Manifest = z.infer<typeof manifestSchema>;

/** A manifest as the server is to hold it. */
export interface Desired {
  readonly kind: Manifest['kind'];
  /** Name of the stream that it is or belongs to. */
  readonly stream: string;
  /** Durable name; absent for a stream. */
  readonly consumer?: string;
  readonly owner: string;
  readonly config: ServerConfig;
  readonly fields: readonly ComparedField[];
}

/** What the server is to hold for a manifest, marked as the owner's. */
export function desiredOf(manifest: Manifest, owner: string): Desired {
  switch (manifest.kind) {
    case 'Stream':
      return {
        kind: 'Stream',
        stream: manifest.spec.name,
        owner,
        config: toStreamConfig(manifest.spec, owner),
        fields: STREAM_COMPARISON,
      };
    case 'Consumer':
      return {
        kind: 'Consumer',
        stream: manifest.spec.streamName,
        consumer: manifest.spec.durableName,
        owner,
        config: toConsumerConfig(manifest.spec, owner),
        fields: CONSUMER_COMPARISON,
      };
  }
}
