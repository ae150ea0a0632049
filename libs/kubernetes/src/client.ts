import type { KubeConfig } from '@kubernetes/client-node' with { 'resolution-mode': 'import' };
import { accessFromEnvironment, accessFromKubeConfig, ClusterAccess } from './cluster-access';
import { decodeApiError, decodeList, decodeObject, isRecord, parseJson } from './decode';
import { isNotFound, KubernetesApiError } from './errors';
import { RuntimeMetrics } from './metrics';
import {
  apiVersionOf,
  describeRef,
  KubernetesObject,
  ObjectMeta,
  ObjectRef,
  pathOf,
  ResourceType,
} from './objects';
import { pause } from './pause';
import { SilentServerError, Transport, TransportRequest } from './transport';
import { readWatch, WatchEvent } from './watch-stream';

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

const JSON_TYPE = 'application/json';
const MERGE_PATCH = 'application/merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';

/** How often a request is sent again that the server put off (429, or 503 with Retry-After). */
const POSTPONED_ATTEMPTS = 5;
const LONGEST_POSTPONEMENT_MS = 30_000;

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
  private readonly transport: Transport;
  private readonly metrics: RuntimeMetrics | undefined;
  private readonly requestTimeoutMs: number;
  private readonly userAgent: string;
  /** The namespace that the kubeconfig or the pod names. */
  readonly namespace: string | undefined;

  constructor(
    private readonly options: ClientOptions & { access: ClusterAccess },
    transport?: Transport,
  ) {
    this.transport =
      transport ??
      new Transport({
        access: options.access,
        maxConnections: options.maxConnections ?? 32,
        connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
      });
    this.metrics = options.metrics;
    this.requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
    this.userAgent = options.userAgent ?? 'headwater';
    this.namespace = options.access.namespace;
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

  /** The same client, over the same connections, with another limit on the time of a request. */
  withTimeout(requestTimeoutMs: number): KubernetesClient {
    return new KubernetesClient({ ...this.options, requestTimeoutMs }, this.transport);
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
    const { namespace, signal, inactivityMs } = options;
    const what = `watch ${type.plural}${namespace === undefined ? '' : ` in ${namespace}`}`;
    const path =
      pathOf(type, { namespace }) +
      queryText({
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: options.resourceVersion,
        timeoutSeconds: options.timeoutSeconds,
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
      });
    const request: TransportRequest = {
      method: 'GET',
      path,
      headers: { accept: JSON_TYPE, 'user-agent': this.userAgent },
      signal,
      silenceMs: inactivityMs,
    };
    let response;
    try {
      response = await this.transport.send(request, 'watches');
    } catch (error) {
      this.count('GET', '<error>');
      throw error;
    }
    this.count('GET', String(response.statusCode));
    if (response.statusCode !== 200) {
      if (response.statusCode === 401) this.transport.forgetCredentials();
      throw decodeApiError(what, response.statusCode, looseJson(await response.body.text()));
    }
    try {
      for await (const batch of readWatch<T>(type, response.body, what)) yield batch;
    } catch (error) {
      if (error instanceof KubernetesApiError) throw error;
      this.transport.judge(response.connections, error);
      throw this.transport.failure(request, error);
    } finally {
      response.body.destroy();
    }
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
  async request(request: RawRequest): Promise<unknown> {
    const what = request.what ?? `${request.method} ${request.path}`;
    const sent: TransportRequest = {
      method: request.method,
      path: request.path + queryText(request.query ?? {}),
      headers: {
        accept: JSON_TYPE,
        'user-agent': this.userAgent,
        ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? JSON_TYPE }),
      },
      body: request.body === undefined ? undefined : JSON.stringify(request.body),
      signal: request.signal,
      silenceMs: 0,
    };
    for (let attempt = 1; ; attempt++) {
      const { statusCode, retryAfter, text } = await this.exchange(sent, attempt);
      if (statusCode < 300) return text.startsWith('{') ? parseJson(text, `could not ${what}`) : text;
      const again = attempt < POSTPONED_ATTEMPTS;
      if (statusCode === 401 && attempt === 1) {
        this.transport.forgetCredentials();
        continue;
      }
      if (again && (statusCode === 429 || (statusCode === 503 && retryAfter !== undefined))) {
        await pause(Math.min((retryAfter ?? 1) * 1000, LONGEST_POSTPONEMENT_MS), request.signal);
        request.signal?.throwIfAborted();
        continue;
      }
      throw decodeApiError(what, statusCode, looseJson(text));
    }
  }

  private async exchange(
    sent: TransportRequest,
    attempt: number,
  ): Promise<{ statusCode: number; retryAfter: number | undefined; text: string }> {
    const started = performance.now();
    const limit = new AbortController();
    const abort = (): void => limit.abort(sent.signal?.reason);
    sent.signal?.addEventListener('abort', abort, { once: true });
    if (sent.signal?.aborted) abort();
    const timer = setTimeout(
      () => limit.abort(new SilentServerError(`nothing came within ${this.requestTimeoutMs / 1000} s`)),
      this.requestTimeoutMs,
    );
    const request = { ...sent, signal: limit.signal };
    let connections;
    try {
      const answer = await this.transport.send(request, 'requests');
      ({ connections } = answer);
      const { statusCode, headers, body } = answer;
      const text = await body.text();
      this.count(sent.method, String(statusCode), started);
      const seconds = Number(headers['retry-after']);
      return { statusCode, retryAfter: Number.isFinite(seconds) ? seconds : undefined, text };
    } catch (cause) {
      this.count(sent.method, '<error>', started);
      if (connections) this.transport.judge(connections, cause);
      // A kept connection that the server has closed in this moment; reading twice does no harm.
      if (sent.method === 'GET' && attempt === 1 && wasCut(cause) && !limit.signal.aborted) {
        return await this.exchange(sent, attempt + 1);
      }
      throw this.transport.failure(request, cause);
    } finally {
      clearTimeout(timer);
      sent.signal?.removeEventListener('abort', abort);
    }
  }

  private count(method: string, code: string, started?: number): void {
    if (!this.metrics) return;
    this.metrics.requests.inc({ method, code });
    if (started !== undefined) {
      this.metrics.requestSeconds.observe({ verb: method }, (performance.now() - started) / 1000);
    }
  }
}

const below = (subresource: string | undefined): string => (subresource ? `/${subresource}` : '');

function queryText(query: NonNullable<RawRequest['query']>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search.size === 0 ? '' : `?${search.toString()}`;
}

/** A refusal may come from something on the way that speaks no JSON. */
function looseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.trim().slice(0, 200) };
  }
}

function wasCut(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && (at.code === 'UND_ERR_SOCKET' || at.code === 'ECONNRESET')) return true;
  }
  return false;
}
