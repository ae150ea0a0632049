import { RawRequest } from './client-options';
import { decodeApiError, parseJson } from './decode';
import { codesOf } from './error-code';
import { RuntimeMetrics } from './metrics';
import { pause } from './pause';
import { SilentServerError, Transport, TransportRequest } from './transport';

export interface ApiRequestsOptions {
  requestTimeoutMs: number;
  userAgent: string;
  metrics: RuntimeMetrics | undefined;
}

const JSON_TYPE = 'application/json';

/** How often a request is sent again that the server put off (429, or 503 with Retry-After). */
const POSTPONED_ATTEMPTS = 5;
const LONGEST_POSTPONEMENT_MS = 30_000;

interface Exchange {
  statusCode: number;
  /** Seconds. */
  retryAfter: number | undefined;
  text: string;
}

/** Requests in JSON, with the answers that ask for another try, the limit on time, and the count of them all. */
export class ApiRequests {
  constructor(
    private readonly transport: Transport,
    private readonly options: ApiRequestsOptions,
  ) {}

  /** @returns parsed JSON, or the text when the answer is something else */
  async send(request: RawRequest): Promise<unknown> {
    const what = request.what ?? `${request.method} ${request.path}`;
    const sent = this.prepare(request);
    for (let attempt = 1; ; attempt++) {
      const { statusCode, retryAfter, text } = await this.exchange(sent, attempt === 1);
      if (statusCode < 300) return text.startsWith('{') ? parseJson(text, `could not ${what}`) : text;
      if (statusCode === 401 && attempt === 1) {
        this.transport.forgetCredentials();
        continue;
      }
      const postponed = statusCode === 429 || (statusCode === 503 && retryAfter !== undefined);
      if (!postponed || attempt === POSTPONED_ATTEMPTS) {
        throw decodeApiError(what, statusCode, looseJson(text));
      }
      await pause(Math.min((retryAfter ?? 1) * 1000, LONGEST_POSTPONEMENT_MS), request.signal);
      request.signal?.throwIfAborted();
    }
  }

  /**
   * The pieces of an answer that goes on and on.
   *
   * @param silenceMs how long nothing may come
   */
  async *stream(request: RawRequest, silenceMs: number): AsyncGenerator<Buffer, void> {
    const sent = { ...this.prepare(request), silenceMs };
    let answer;
    try {
      answer = await this.transport.send(sent, 'watches');
    } catch (error) {
      this.count(sent.method, '<error>');
      throw error;
    }
    const { statusCode, body, connections } = answer;
    this.count(sent.method, String(statusCode));
    try {
      if (statusCode !== 200) {
        if (statusCode === 401) this.transport.forgetCredentials();
        const refusal = looseJson(await body.text());
        throw decodeApiError(request.what ?? request.path, statusCode, refusal);
      }
      const pieces: AsyncIterator<Buffer> = body[Symbol.asyncIterator]();
      for (;;) {
        let next;
        try {
          next = await pieces.next();
        } catch (error) {
          this.transport.judge(connections, error);
          throw this.transport.failure(sent, error);
        }
        if (next.done) return;
        yield next.value;
      }
    } finally {
      body.destroy();
    }
  }

  private prepare(request: RawRequest): TransportRequest {
    const { body } = request;
    return {
      method: request.method,
      path: request.path + queryText(request.query ?? {}),
      headers: {
        accept: JSON_TYPE,
        'user-agent': this.options.userAgent,
        ...(body === undefined ? {} : { 'content-type': request.contentType ?? JSON_TYPE }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: request.signal,
      silenceMs: 0,
    };
  }

  private async exchange(sent: TransportRequest, mayRepeat: boolean): Promise<Exchange> {
    const { requestTimeoutMs } = this.options;
    const started = performance.now();
    const limit = new AbortController();
    const abort = (): void => limit.abort(sent.signal?.reason);
    sent.signal?.addEventListener('abort', abort, { once: true });
    if (sent.signal?.aborted) abort();
    const timer = setTimeout(
      () => limit.abort(new SilentServerError(`nothing came within ${requestTimeoutMs / 1000} s`)),
      requestTimeoutMs,
    );
    const limited = { ...sent, signal: limit.signal };
    let connections;
    try {
      const answer = await this.transport.send(limited, 'requests');
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
      const again = mayRepeat && sent.method === 'GET' && wasCut(cause) && !limit.signal.aborted;
      if (!again) throw this.transport.failure(limited, cause);
    } finally {
      clearTimeout(timer);
      sent.signal?.removeEventListener('abort', abort);
    }
    return this.exchange(sent, false);
  }

  private count(method: string, code: string, started?: number): void {
    const { metrics } = this.options;
    if (!metrics) return;
    metrics.requests.inc({ method, code });
    if (started !== undefined) {
      metrics.requestSeconds.observe({ verb: method }, (performance.now() - started) / 1000);
    }
  }
}

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

const wasCut = (error: unknown): boolean =>
  codesOf(error).some((code) => code === 'UND_ERR_SOCKET' || code === 'ECONNRESET');
