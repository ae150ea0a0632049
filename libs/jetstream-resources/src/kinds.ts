export const API_GROUP = 'jetstream.headwater.dev';
export const API_KIND_VERSION = 'v1alpha1';
export const API_VERSION = `${API_GROUP}/${API_KIND_VERSION}`;

/** A kind of resource as the API server knows it. */
export interface Kind {
  readonly kind: 'Stream' | 'Consumer' | 'Connection';
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly group: string;
  readonly version: string;
  readonly namespaced: true;
}

const of = (kind: Kind['kind'], plural: string, ...shortNames: string[]): Kind => ({
  kind,
  plural,
  singular: kind.toLowerCase(),
  shortNames,
  group: API_GROUP,
  version: API_KIND_VERSION,
  namespaced: true,
});

export const STREAM = of('Stream', 'streams', 'jss');
export const CONSUMER = of('Consumer', 'consumers', 'jsc');
export const CONNECTION = of('Connection', 'connections', 'jsconn');
