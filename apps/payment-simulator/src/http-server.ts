import { createServer, IncomingMessage, Server, ServerResponse } from 'node:http';
import { faultOfId } from '@headwater/contracts';
import { isUnavailable } from '@headwater/sql';
import { Faults } from './faults';
import { QueueFull } from './group-commit';
import { Ledger } from './ledger';
import { Answer, debit, getLedger, getPayment, putFaults, voidPayment } from './payments-api';
import { Problem } from './problem';

const BODY_LIMIT = 16 * 1024;

/** As much of a logger as is used. */
interface Log {
  error(fields: object, message: string): void;
}

/**
 * The provider's HTTP API on plain `node:http`: it stands beside everything else on a developer's machine and should
 * cost as little as it can.
 */
export function createPaymentServer(ledger: Ledger, faults: Faults, log: Log): Server {
  const server = createServer((request, response) => {
    void answer(ledger, faults, request).then(
      (given) => given && send(response, given.status, 'application/json', given.body),
      (error: unknown) => sendProblem(response, problemOf(error, log)),
    );
  });
  server.keepAliveTimeout = 60_000;
  server.requestTimeout = 30_000;
  return server;
}

/** Undefined when no answer is to be given. */
async function answer(ledger: Ledger, faults: Faults, request: IncomingMessage): Promise<Answer | undefined> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://provider');
  const route = `${request.method} ${pathname}`;
  if (route === 'GET /ledger') return getLedger(ledger, searchParams);
  if (route === 'GET /faults') return { status: 200, body: faults.settings };
  if (route === 'PUT /faults') return putFaults(faults, await jsonBody(request));

  const payment = /^(GET|PUT|POST) \/payments\/([^/]+)(\/void)?$/.exec(route);
  const [, method, encoded = '', isVoid] = payment ?? [];
  const wanted = `${method ?? ''}${isVoid ?? ''}`;
  if (!['GET', 'PUT', 'POST/void'].includes(wanted)) throw new Problem('not-found', `there is no ${route}`);
  const key = keyOf(encoded);
  if (wanted === 'GET') return getPayment(ledger, key);

  const body = wanted === 'PUT' ? await jsonBody(request) : undefined;
  const mishap = faults.next();
  if (faults.settings.latency_ms > 0) await delay(faults.settings.latency_ms);
  if (mishap === 'error') throw new Problem('unavailable', 'the provider is told to fail');
  const given = wanted === 'PUT' ? await debit(ledger, key, body) : await voidPayment(ledger, key);
  // The client's own timeout ends it, as with a provider that hangs.
  return mishap === 'timeout' ? undefined : given;
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function keyOf(encoded: string): string {
  let key: string;
  try {
    key = decodeURIComponent(encoded);
  } catch {
    throw new Problem('invalid', 'the key is not percent-encoded UTF-8');
  }
  const fault = faultOfId(key);
  if (fault) throw new Problem('invalid', `the key ${fault}`);
  return key;
}

async function jsonBody(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new Problem('unsupported-media-type', 'the body must be application/json');
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > BODY_LIMIT) throw new Problem('body-too-large', `the body has more than ${BODY_LIMIT} bytes`);
    chunks.push(bytes);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new Problem('malformed-json', 'the body is not JSON');
  }
}

function problemOf(error: unknown, log: Log): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof QueueFull) return new Problem('overloaded', error.message);
  if (isUnavailable(error)) return new Problem('unavailable', 'the ledger is away');
  log.error({ err: error }, 'a request failed');
  return new Problem('internal', 'the provider made a mistake');
}

function sendProblem(response: ServerResponse, problem: Problem): void {
  if (problem.status === 503) response.setHeader('retry-after', '1');
  // An unread body would be taken for the next request of the connection.
  if (problem.code === 'body-too-large') response.setHeader('connection', 'close');
  send(response, problem.status, 'application/problem+json', problem.body());
}

function send(response: ServerResponse, status: number, type: string, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text);
}
