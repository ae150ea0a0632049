import type { KubeConfig } from '@kubernetes/client-node' with { 'resolution-mode': 'import' };
import { ApiRequests } from './api-requests';
import {
  Applied,
  ApplyOptions,
  ClientOptions,
  DeleteOptions,
  ListOptions,
  ObjectList,
  RawRequest,
  WatchOptions,
} from './client-options';
import { accessFromEnvironment, accessFromKubeConfig, ClusterAccess } from './cluster-access';
import { decodeList, decodeObject, isRecord } from './decode';
import { isNotFound } from './errors';
import {
  apiVersionOf,
  describeRef,
  KubernetesObject,
  ObjectMeta,
  ObjectRef,
  pathOf,
  ResourceType,
} from './objects';
import { Transport } from './transport';
import { readWatch, WatchEvent } from './watch-stream';

const MERGE_PATCH = 'application/merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';

/**
 * A small client for any kind of object: plain JSON, one pool of kept connections, no generated code.
 *
 * There is no limit of its own on requests per second: the server's priority and fairness decides, and its 429 with
 * Retry-After is obeyed.
 *
 * Every method throws KubernetesApiError when the server refuses, KubernetesConnectionError when no answer came, and
 * the signal's reason when it is aborted.
 */
export class KubernetesClient {
  /** The namespace that the kubeconfig or the pod names. */
  readonly namespace: string | undefined;
  private readonly transport: Transport;
  private readonly requests: ApiRequests;

  constructor(private readonly options: ClientOptions & { access: ClusterAccess }) {
    this.namespace = options.access.namespace;
    this.transport = new Transport({
      access: options.access,
      maxConnections: options.maxConnections ?? 32,
      connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    });
    this.requests = new ApiRequests(this.transport, {
      requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
      userAgent: options.userAgent ?? 'headwater',
      metrics: options.metrics,
    });
  }

  /** A client as `KUBECONFIG`, `~/.kube/config` or the pod's service account say. */
  static async fromEnvironment(options: ClientOptions = {}): Promise<KubernetesClient> {
    return new KubernetesClient({ ...options, access: await accessFromEnvironment() });
  }

  static fromKubeConfig(kubeConfig: KubeConfig, options: ClientOptions = {}): KubernetesClient {
    return new KubernetesClient({ ...options, access: accessFromKubeConfig(kubeConfig) });
  }

  /** `https://host:port` of the API server. */
  get server(): string {
    return this.transport.origin;
  }

  /**
   * A client to the same server, as the same user, over connections of its own: what must not wait behind other requests,
   * nor suffer from what becomes of their connections. It has to be closed by itself.
   */
  apart(
    options: Pick<ClientOptions, 'maxConnections' | 'requestTimeoutMs' | 'connectTimeoutMs'>,
  ): KubernetesClient {
    return new KubernetesClient({ ...this.options, ...options });
  }

  /** Ends all connections, watches too. */
  close(): Promise<void> {
    return this.transport.close();
  }

  /** undefined when there is none. */
  async get<T extends KubernetesObject = KubernetesObject>(
    type: ResourceType,
    ref: ObjectRef,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    try {
      const answer = await this.request({
        method: 'GET',
        path: pathOf(type, ref),
        signal,
        what: `get ${describeRef(type, ref)}`,
      });
      return decodeObject<T>(type, answer);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** One page. A `continue` that has become too old is refused with 410. */
  async list<T extends KubernetesObject = KubernetesObject>(
    type: ResourceType,
    options: ListOptions = {},
  ): Promise<ObjectList<T>> {
    const { namespace, signal, labelSelector, fieldSelector, limit } = options;
    const what = `list ${type.plural}${namespace === undefined ? '' : ` in ${namespace}`}`;
    const answer = await this.request({
      method: 'GET',
      path: pathOf(type, { namespace }),
      query: { labelSelector, fieldSelector, limit, continue: options.continue },
      signal,
      what,
    });
    const page = decodeList(answer, `could not ${what}`);
    return {
      items: page.items.map((item) => decodeObject<T>(type, item)),
      resourceVersion: page.resourceVersion,
      ...(page.continue === undefined ? {} : { continue: page.continue }),
    };
  }

  /**
   * Changes from a resource version on, in the batches in which they arrive. Ends when the server ends the watch.
   *
   * @throws KubernetesApiError 410 when the version is too old; KubernetesConnectionError when the connection is lost or
   * silent for `inactivityMs`
   */
  async *watch<T extends KubernetesObject = KubernetesObject>(
    type: ResourceType,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>[], void> {
    const { namespace, signal, inactivityMs, ...query } = options;
    const what = `watch ${type.plural}${namespace === undefined ? '' : ` in ${namespace}`}`;
    const body = this.requests.stream(
      {
        method: 'GET',
        path: pathOf(type, { namespace }),
        query: { watch: true, allowWatchBookmarks: true, ...query },
        signal,
        what,
      },
      inactivityMs,
    );
    yield* readWatch<T>(type, body, what);
  }

  /** @throws KubernetesApiError 409 AlreadyExists */
  async create<T extends KubernetesObject>(type: ResourceType, object: T, signal?: AbortSignal): Promise<T> {
    const { namespace } = object.metadata;
    const answer = await this.request({
      method: 'POST',
      path: pathOf(type, { namespace }),
      body: object,
      signal,
      what: `create ${describeRef(type, object.metadata)}`,
    });
    return decodeObject<T>(type, answer);
  }

  /**
   * Replaces the whole object; with a resourceVersion in it only if it is still that one.
   *
   * @throws KubernetesApiError 409 Conflict
   */
  async replace<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options: { subresource?: string; signal?: AbortSignal } = {},
  ): Promise<T> {
    const answer = await this.request({
      method: 'PUT',
      path: pathOf(type, object.metadata) + below(options.subresource),
      body: object,
      signal: options.signal,
      what: `replace ${describeRef(type, object.metadata)}`,
    });
    return decodeObject<T>(type, answer);
  }

  /** False when there was none. */
  async delete(type: ResourceType, ref: ObjectRef, options: DeleteOptions = {}): Promise<boolean> {
    try {
      await this.request({
        method: 'DELETE',
        path: pathOf(type, ref),
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          ...(options.preconditions ? { preconditions: options.preconditions } : {}),
          ...(options.propagation ? { propagationPolicy: options.propagation } : {}),
        },
        signal: options.signal,
        what: `delete ${describeRef(type, ref)}`,
      });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /**
   * Server-side apply: the object gets these fields, and fields that this manager applied before and leaves out now are
   * removed. Creates the object if there is none, unless `metadata.uid` is given.
   */
  apply<T extends KubernetesObject = KubernetesObject>(
    type: ResourceType,
    object: Applied,
    options: ApplyOptions,
  ): Promise<T> {
    return this.applyTo<T>(type, object, '', options);
  }

  /**
   * Server-side apply of the status; of the object only name, namespace and status are sent. The server does not look at
   * a uid here: `resourceVersion` keeps a status from an object that was made anew under the same name.
   */
  applyStatus<T extends KubernetesObject = KubernetesObject>(
    type: ResourceType,
    object: { metadata: ObjectMeta; status?: unknown },
    options: ApplyOptions,
  ): Promise<T> {
    const { name, namespace } = object.metadata;
    const metadata: ObjectMeta = { name, ...(namespace === undefined ? {} : { namespace }) };
    return this.applyTo<T>(type, { metadata, status: object.status }, 'status', options);
  }

  private async applyTo<T extends KubernetesObject>(
    type: ResourceType,
    object: Applied,
    subresource: string,
    { fieldManager, force, resourceVersion, signal }: ApplyOptions,
  ): Promise<T> {
    const metadata =
      resourceVersion === undefined ? object.metadata : { ...object.metadata, resourceVersion };
    const answer = await this.request({
      method: 'PATCH',
      path: pathOf(type, object.metadata) + below(subresource),
      query: { fieldManager, force },
      body: { ...object, metadata, apiVersion: apiVersionOf(type), kind: type.kind },
      contentType: APPLY_PATCH,
      signal,
      what: `apply ${subresource === '' ? '' : `the ${subresource} of `}${describeRef(type, object.metadata)}`,
    });
    return decodeObject<T>(type, answer);
  }

  /**
   * JSON merge patch (RFC 7386): given fields replace, null removes, lists are replaced whole. With
   * `metadata.resourceVersion` in it, only if the object is still that one.
   *
   * @throws KubernetesApiError 404, 409
   */
  async patch<T extends KubernetesObject = KubernetesObject>(
    type: ResourceType,
    ref: ObjectRef,
    mergePatch: object,
    options: { subresource?: string; fieldManager?: string; signal?: AbortSignal } = {},
  ): Promise<T> {
    const answer = await this.request({
      method: 'PATCH',
      path: pathOf(type, ref) + below(options.subresource),
      query: { fieldManager: options.fieldManager },
      body: mergePatch,
      contentType: MERGE_PATCH,
      signal: options.signal,
      what: `patch ${describeRef(type, ref)}`,
    });
    return decodeObject<T>(type, answer);
  }

  /** The server's version: `{ major: '1', minor: '34', gitVersion: 'v1.34.4' }`. */
  async version(signal?: AbortSignal): Promise<{ major: string; minor: string; gitVersion: string }> {
    const answer = await this.request({ method: 'GET', path: '/version', signal, what: 'get the version' });
    const text = (field: string): string => {
      const value = isRecord(answer) ? answer[field] : undefined;
      return typeof value === 'string' ? value : '';
    };
    return { major: text('major'), minor: text('minor'), gitVersion: text('gitVersion') };
  }

  /** Any request; the answer as parsed JSON, or the text when it is something else (`/readyz`). */
  request(request: RawRequest): Promise<unknown> {
    return this.requests.send(request);
  }
}

const below = (subresource: string | undefined): string => (subresource ? `/${subresource}` : '');
