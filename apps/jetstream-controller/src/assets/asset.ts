import {
  CONSUMER,
  type ConsumerSpec,
  consumerSpec,
  type Declared,
  type Desired,
  desiredOf,
  type Policies,
  policiesOf,
  STREAM,
  type StreamSpec,
  streamSpec,
} from '@headwater/jetstream-resources';
import { keyOf, type KubernetesObject, type ObjectMeta, type ResourceType } from '@headwater/kubernetes';
import { DEFAULT_CONNECTION } from '../connections/connection-pool';

export type AssetKind = Declared['kind'];

/** Annotations by which a person speaks to the controller. */
export const ANNOTATIONS = {
  /** `"true"`: nothing is written to JetStream for this object until it is taken away. */
  paused: 'jetstream.headwater.dev/paused',
  /** `"true"`: deletes the stream together with the messages it holds. */
  forceDelete: 'jetstream.headwater.dev/force-delete',
  /** The stream's `status.created`: has been told that it was made again and holds nothing from before. */
  acknowledgeRecreated: 'jetstream.headwater.dev/acknowledge-recreated',
} as const;

/** Under which the API server notes what is ours in a status. */
export const FIELD_MANAGER = 'jetstream-controller';

/** Keeps an object whose deletionPolicy is Delete until JetStream has deleted its part. */
export const FINALIZER = 'jetstream.headwater.dev/delete';

/** Where the resources of each kind are in the API. */
export const TYPES: Readonly<Record<AssetKind, ResourceType>> = { Stream: STREAM, Consumer: CONSUMER };

/** A Stream or Consumer resource, read and checked. */
export type Asset = Declared & {
  readonly resource: KubernetesObject;
  readonly policies: Policies;
  /** Key of its connection in the pool. */
  readonly connection: string;
  /** Name of the stream that it is or belongs to. */
  readonly stream: string;
  /** The one object of JetStream that it is about: connection, stream and consumer. */
  readonly claim: string;
};

/** A resource that its schema refuses; the API server would not admit it today. */
export interface Unreadable {
  readonly resource: KubernetesObject;
  readonly fault: string;
}

/** Resources are immutable in the cache, so each is read once. */
const read = new WeakMap<KubernetesObject, Asset | Unreadable>();

export function assetOf(kind: AssetKind, resource: KubernetesObject): Asset | Unreadable {
  const known = read.get(resource);
  if (known) return known;
  const asset = kind === 'Stream' ? readStream(resource) : readConsumer(resource);
  read.set(resource, asset);
  return asset;
}

export const isReadable = (asset: Asset | Unreadable): asset is Asset => 'spec' in asset;

function readStream(resource: KubernetesObject): Asset | Unreadable {
  const result = streamSpec.safeParse(resource.spec);
  if (!result.success) return { resource, fault: faultsOf(result.error.issues) };
  const spec = result.data;
  const connection = connectionKeyOf(spec, resource.metadata);
  return {
    resource,
    kind: 'Stream',
    spec,
    policies: policiesOf(spec),
    connection,
    stream: spec.name,
    claim: claimOf(connection, spec.name),
  };
}

function readConsumer(resource: KubernetesObject): Asset | Unreadable {
  const result = consumerSpec.safeParse(resource.spec);
  if (!result.success) return { resource, fault: faultsOf(result.error.issues) };
  const spec = result.data;
  const connection = connectionKeyOf(spec, resource.metadata);
  return {
    resource,
    kind: 'Consumer',
    spec,
    policies: policiesOf(spec),
    connection,
    stream: spec.streamName,
    claim: claimOf(connection, spec.streamName, spec.durableName),
  };
}

export const claimOf = (connection: string, stream: string, consumer?: string): string =>
  consumer === undefined ? `${connection} ${stream}` : `${connection} ${stream} ${consumer}`;

/** Whether a claim is about something behind that connection. */
export const isOf = (connection: string, claim: string): boolean => claim.startsWith(`${connection} `);

function connectionKeyOf({ connection }: StreamSpec | ConsumerSpec, { namespace = '' }: ObjectMeta): string {
  return connection === undefined
    ? DEFAULT_CONNECTION
    : `${connection.namespace ?? namespace}/${connection.name}`;
}

/** What is wrong with a spec, each fault with its field. */
export const faultsOf = (issues: readonly { path: PropertyKey[]; message: string }[]): string =>
  issues.map(({ path, message }) => `spec.${path.map(String).join('.')} ${message}`).join('; ');

/** What the object in JetStream is to be, marked as this resource's. */
export const desiredBy = (asset: Asset, clusterId: string): Desired =>
  desiredOf(asset, `${clusterId}/${keyOf(asset.resource.metadata)}`);

export const isPaused = ({ metadata }: KubernetesObject): boolean =>
  metadata.annotations?.[ANNOTATIONS.paused] === 'true';
