import { Dispatcher, Pool, ProxyAgent } from 'undici';
import { ClusterAccess, ClusterCredentials, ClusterTls } from './cluster-access';
import { codesOf, messageOf } from './error-code';
import { KubernetesConnectionError } from './errors';

export interface TransportOptions {
  access: ClusterAccess;
  /** Connections for requests; watches have one each beside them. */
  maxConnections: number;
  connectTimeoutMs: number;
}

export interface TransportRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
  signal?: AbortSignal | undefined;
  /** How long the server may be silent; 0: for ever. */
  silenceMs: number;
}

/** An answer, and the connections over which it comes. */
export interface Answer extends Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'> {
  connections: Connections;
}

/** Service account tokens are rotated an hour before they end, client certificates days before. */
const CREDENTIALS_LIVE_MS = 30_000;

/** Below the API server's own 90 s, so that the client closes first and no request meets a closing connection. */
const IDLE_CONNECTION_MS = 60_000;

export interface Connections {
  requests: Dispatcher;
  watches: Dispatcher;
  tls: ClusterTls;
}

/**
 * HTTP/1.1 connections to one API server, kept open and shared by all requests, made anew when certificates change.
 *
 * A request of `@kubernetes/client-node` 1.4 makes an agent, and with it a TLS handshake, of its own: 4 ms of CPU for a
 * status patch where this takes 0.3 to 0.7, measured on two loaded cores.
 */
export class Transport {
  readonly origin: string;
  private readonly basePath: string;
  private connections: Connections | undefined;
  private credentials: Promise<ClusterCredentials> | undefined;
  private credentialsUntil = 0;
  private closed = false;

  constructor(private readonly options: TransportOptions) {
    const url = new URL(options.access.server);
    this.origin = url.origin;
    this.basePath = url.pathname.replace(/\/$/, '');
  }

  /** @throws KubernetesConnectionError, or the signal's reason */
  async send(request: TransportRequest, kind: 'requests' | 'watches'): Promise<Answer> {
    const { headers, tls } = await this.currentCredentials();
    request.signal?.throwIfAborted();
    const connections = this.connectionsFor(tls);
    try {
      const {
        statusCode,
        headers: answered,
        body,
      } = await connections[kind].request({
        origin: this.origin,
        path: this.basePath + request.path,
        method: request.method,
        headers: { ...headers, ...request.headers },
        body: request.body ?? null,
        signal: request.signal ?? null,
        headersTimeout: request.silenceMs,
        bodyTimeout: request.silenceMs,
      });
      return { statusCode, headers: answered, body, connections };
    } catch (cause) {
      this.judge(connections, cause);
      // The authority or the certificate may have been replaced since they were read.
      if (isTlsFailure(cause)) this.forgetCredentials();
      throw this.failure(request, cause);
    }
  }

  /**
   * A connection that went silent speaks for all others to the same place: they are not used again. Without this each
   * of them would cost one more request its time.
   */
  judge(connections: Connections, cause: unknown): void {
    if (!isSilence(cause) || this.connections !== connections) return;
    this.connections = undefined;
    void connections.requests.close();
    void connections.watches.close();
  }

  /** What a lost connection, or an abort, is told as. */
  failure(request: Pick<TransportRequest, 'method' | 'path' | 'signal'>, cause: unknown): unknown {
    const reason: unknown = request.signal?.aborted ? request.signal.reason : undefined;
    if (reason !== undefined && !(reason instanceof SilentServerError)) return reason;
    if (cause instanceof KubernetesConnectionError) return cause;
    const path = request.path.split('?')[0];
    return new KubernetesConnectionError(
      `no answer from the API server at ${this.origin} to ${request.method} ${path}: ${messageOf(cause)}`,
      { cause },
    );
  }

  /** The next request asks for credentials again. */
  forgetCredentials(): void {
    this.credentials = undefined;
  }

  async close(): Promise<void> {
    this.closed = true;
    const { connections } = this;
    this.connections = undefined;
    if (connections) await Promise.all([connections.requests.destroy(), connections.watches.destroy()]);
  }

  private currentCredentials(): Promise<ClusterCredentials> {
    const now = performance.now();
    if (this.credentials && now < this.credentialsUntil) return this.credentials;
    this.credentialsUntil = now + CREDENTIALS_LIVE_MS;
    const asked = this.options.access.credentials().catch((cause: unknown) => {
      if (this.credentials === asked) this.credentials = undefined;
      throw new KubernetesConnectionError(
        `the credentials for the API server at ${this.origin} could not be had: ${messageOf(cause)}`,
        { cause },
      );
    });
    this.credentials = asked;
    return asked;
  }

  private connectionsFor(tls: ClusterTls): Connections {
    if (this.closed) throw new KubernetesConnectionError('this client was closed');
    if (this.connections && sameTls(this.connections.tls, tls)) return this.connections;
    const old = this.connections;
    this.connections = {
      requests: this.dispatcher(tls, this.options.maxConnections),
      watches: this.dispatcher(tls, null),
      tls,
    };
    // Requests under way, and watches until the server ends them, stay on the connections they have.
    void old?.requests.close();
    void old?.watches.close();
    return this.connections;
  }

  private dispatcher(tls: ClusterTls, connections: number | null): Dispatcher {
    const { connectTimeoutMs, access } = this.options;
    const secure = {
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.cert === undefined ? {} : { cert: tls.cert }),
      ...(tls.key === undefined ? {} : { key: tls.key }),
      ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
      ...(tls.verify === undefined ? {} : { rejectUnauthorized: tls.verify }),
    };
    const shared = {
      connections,
      pipelining: 1,
      keepAliveTimeout: IDLE_CONNECTION_MS,
      keepAliveMaxTimeout: IDLE_CONNECTION_MS,
    };
    if (access.proxyUrl !== undefined) {
      return new ProxyAgent({ ...shared, uri: access.proxyUrl, requestTls: secure });
    }
    return new Pool(this.origin, {
      ...shared,
      connect: { ...secure, timeout: connectTimeoutMs, keepAlive: true, keepAliveInitialDelay: 15_000 },
    });
  }
}

/** Given as the reason to abort a request that took too long. */
export class SilentServerError extends Error {
  override readonly name = 'SilentServerError';
}

function isSilence(error: unknown): boolean {
  if (error instanceof SilentServerError) return true;
  return codesOf(error).some((code) => code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT');
}

/** By the codes of Node and OpenSSL: `SELF_SIGNED_CERT_IN_CHAIN`, `ERR_TLS_CERT_ALTNAME_INVALID`, `ERR_SSL_…`. */
const isTlsFailure = (error: unknown): boolean =>
  codesOf(error).some((code) => /CERT|_TLS_|_SSL_|UNABLE_TO_/.test(code));

function sameTls(a: ClusterTls, b: ClusterTls): boolean {
  if (a === b) return true;
  const text = (value: string | Buffer | undefined): string | undefined => value?.toString();
  return (
    text(a.ca) === text(b.ca) &&
    text(a.cert) === text(b.cert) &&
    text(a.key) === text(b.key) &&
    a.serverName === b.serverName &&
    a.verify === b.verify
  );
}
