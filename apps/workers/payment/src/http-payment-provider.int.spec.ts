import { createServer, IncomingMessage, Server, ServerResponse } from 'node:http';
import { AddressInfo } from 'node:net';
import { DependencyUnavailable, TerminalError } from '@headwater/nest-jetstream';
import { HttpPaymentProvider } from './http-payment-provider';

let server: Server;
let provider: HttpPaymentProvider;
let answer: (request: IncomingMessage, response: ServerResponse, call: number) => void;
let calls: string[];

const debit = { key: 'a/b', orderId: 'o', customerId: 'c', amount: 1250n, currency: 'EUR' };
const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const debited = { status: 'debited', payment_id: 'p', amount: '1250' };

beforeEach(async () => {
  calls = [];
  server = createServer((request, response) => {
    request.resume();
    calls.push(`${request.method} ${request.url}`);
    answer(request, response, calls.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  provider = new HttpPaymentProvider({ url: `http://127.0.0.1:${port}`, timeoutMs: 1_000, connections: 2 });
});

afterEach(async () => {
  await provider.close();
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

test('a debit is put under its key, and its answer is read', async () => {
  answer = (_request, response) => json(response, 200, debited);
  await expect(provider.debit(debit)).resolves.toEqual({
    status: 'debited',
    paymentId: 'p',
    amount: 1250n,
  });
  expect(calls).toEqual(['PUT /payments/a%2Fb']);
});

test('a single failure is tried again under the same key', async () => {
  answer = (_request, response, call) =>
    call === 1 ? json(response, 503, {}) : call === 2 ? response.destroy() : json(response, 200, debited);
  await expect(provider.debit(debit)).resolves.toMatchObject({ status: 'debited' });
  expect(new Set(calls)).toEqual(new Set(['PUT /payments/a%2Fb']));
  expect(calls).toHaveLength(3);
});

test.each([500, 502, 503, 504, 429, 401])(
  'a provider that keeps answering %i is an outage',
  async (status) => {
    answer = (_request, response) => json(response, status, { detail: 'busy' });
    const failure = await provider.void('k').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DependencyUnavailable);
    expect((failure as Error).message).toBe(`POST /payments/k/void: ${status} busy`);
  },
);

test('a provider that is not there, or hangs, or speaks otherwise, is an outage', async () => {
  answer = () => undefined;
  await expect(provider.void('k')).rejects.toThrow(DependencyUnavailable);
  answer = (_request, response) => json(response, 200, { status: 'perhaps' });
  await expect(provider.debit(debit)).rejects.toThrow(DependencyUnavailable);
  const nobody = new HttpPaymentProvider({ url: 'http://127.0.0.1:1', timeoutMs: 500, connections: 1 });
  await expect(nobody.debit(debit)).rejects.toThrow(/ECONNREFUSED/);
  await nobody.close();
});

test.each([409, 422])('a refusal of the request itself (%i) is terminal', async (status) => {
  answer = (_request, response) => json(response, status, { detail: 'another amount' });
  await expect(provider.debit(debit)).rejects.toThrow(TerminalError);
  expect(calls).toHaveLength(1);
});

test('an aborted call ends at once and is not tried again', async () => {
  const abort = new AbortController();
  answer = () => abort.abort();
  await expect(provider.debit(debit, abort.signal)).rejects.toThrow(/abort/i);
  expect(calls).toHaveLength(1);
});
