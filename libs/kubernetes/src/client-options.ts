import { RuntimeMetrics } from './metrics';
import { KubernetesObject } from './objects';
import { TransportRequest } from './transport';

export interface ClientOptions {
  metrics?: RuntimeMetrics;
  /** Connections for requests (32); watches have one each beside them. */
  maxConnections?: number;
  /** How long a request may take (30 s). */
  requestTimeoutMs?: number;
  /** How long making a connection may take (5 s). */
  connectTimeoutMs?: number;
  userAgent?: string;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Objects in a page; absent: all in one. */
  limit?: number;
  continue?: string;
  signal?: AbortSignal;
}

export interface ObjectList<T extends KubernetesObject> {
  items: T[];
  /** Where a watch goes on from. */
  resourceVersion: string;
  /** Given when there are more pages. */
  continue?: string;
}

export interface WatchOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  resourceVersion: string;
  /** When the server ends the watch in order. */
  timeoutSeconds: number;
  /** How long nothing, not even a bookmark, may come before the connection counts as dead. */
  inactivityMs: number;
  signal: AbortSignal;
}

export interface ApplyOptions {
  /** The name under which the server notes who owns which field. */
  fieldManager: string;
  /** Take fields that another manager owns; without it that is a conflict (409). */
  force?: boolean;
  /** Only if the object is still this version; otherwise a conflict (409). */
  resourceVersion?: string;
  signal?: AbortSignal;
}

export interface DeleteOptions {
  preconditions?: { uid?: string; resourceVersion?: string };
  propagation?: 'Background' | 'Foreground' | 'Orphan';
  signal?: AbortSignal;
}

export interface RawRequest {
  method: TransportRequest['method'];
  path: string;
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal | undefined;
  /** What is being done, for error messages: `get Lease a/b`. */
  what?: string;
}

/** An object to be applied: whatever fields its manager wants to own. */
export type Applied = Pick<KubernetesObject, 'metadata'> & { [field: string]: unknown };
