import { setTimeout as sleep } from 'node:timers/promises';
import { DependencyUnavailable, TerminalError } from '@headwater/nest-jetstream';
import { Pool } from 'undici';
import { z } from 'zod';
import { Debit, DebitResult, PaymentProvider, VoidResult } from './payment-provider';

const minor = z
  .string()
  .regex(/^\d+$/)
  .transform((text) => BigInt(text));

const debitAnswer = z.discriminatedUnion('status', [
  z.object({ status: z.literal('debited'), payment_id: z.string(), amount: minor }),
  z.object({ status: z.literal('declined'), code: z.string(), message: z.string() }),
  z.object({ status: z.literal('refused') }),
]);
const voidAnswer = z.object({
  status: z.literal('voided'),
  amount: minor,
  payment_id: z.string().optional(),
});
const problem = z.object({ title: z.string().optional(), detail: z.string().optional() });

const PROVIDER = 'payment provider';

/** Answers that say nothing about the payment: of the provider's own trouble, or of ours with it. */
const WAIT = new Set([401, 403, 404, 408, 425, 429]);

/**
 * A lost packet or a single 5xx is tried again here, at once and under the same key, before everything is made to wait
 * for the provider.
 */
const ATTEMPTS = 3;
const PAUSE_MS = 50;

export interface HttpPaymentProviderOptions {
  /** `http://host:port` */
  url: string;
  timeoutMs: number;
  connections: number;
}

/** The payment provider's HTTP API, over connections that are kept. */
export class HttpPaymentProvider implements PaymentProvider {
  private readonly pool: Pool;

  constructor(options: HttpPaymentProviderOptions) {
    const { timeoutMs } = options;
    this.pool = new Pool(options.url, {
      connections: options.connections,
      // One request a connection: behind one that hangs no other should have to wait.
      pipelining: 1,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connect: { timeout: timeoutMs },
      keepAliveTimeout: 30_000,
    });
  }

  async debit(debit: Debit, signal?: AbortSignal): Promise<DebitResult> {
    const body = JSON.stringify({
      amount: debit.amount.toString(),
      currency: debit.currency,
      order_id: debit.orderId,
      customer_id: debit.customerId,
    });
    const answer = this.read(debitAnswer, await this.call('PUT', pathOf(debit.key), body, signal));
    switch (answer.status) {
      case 'debited':
        return { status: 'debited', paymentId: answer.payment_id, amount: answer.amount };
      case 'declined':
      case 'refused':
        return answer;
    }
  }

  async void(key: string, signal?: AbortSignal): Promise<VoidResult> {
    const answer = this.read(voidAnswer, await this.call('POST', `${pathOf(key)}/void`, undefined, signal));
    return {
      amount: answer.amount,
      ...(answer.payment_id === undefined ? {} : { paymentId: answer.payment_id }),
    };
  }

  close(): Promise<void> {
    return this.pool.destroy();
  }

  private async call(
    method: 'PUT' | 'POST',
    path: string,
    body: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    let failure: unknown;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (attempt > 1) await sleep(PAUSE_MS * (0.5 + Math.random()) * attempt);
      signal?.throwIfAborted();
      try {
        return await this.once(method, path, body, signal);
      } catch (error) {
        if (error instanceof TerminalError) throw error;
        signal?.throwIfAborted();
        failure = error;
      }
    }
    const reason = failure instanceof Error ? failure.message : String(failure);
    throw new DependencyUnavailable(PROVIDER, `${method} ${path}: ${reason}`, failure);
  }

  private async once(
    method: 'PUT' | 'POST',
    path: string,
    body: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const response = await this.pool.request({
      method,
      path,
      ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
      ...(signal ? { signal } : {}),
    });
    const { statusCode } = response;
    if (statusCode === 200) return response.body.json();
    const read = problem.safeParse(await response.body.json().catch(() => undefined));
    const said = `${statusCode} ${read.data?.detail ?? read.data?.title ?? ''}`.trim();
    if (statusCode >= 500 || WAIT.has(statusCode)) throw new Error(said);
    throw new TerminalError(`the payment provider refuses ${method} ${path}: ${said}`);
  }

  /** An answer of another shape is a provider of another version: to be waited out, not held against the order. */
  private read<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.infer<Schema> {
    const result = schema.safeParse(answer);
    if (result.success) return result.data;
    throw new DependencyUnavailable(PROVIDER, 'its answer can not be read', result.error);
  }
}

const pathOf = (key: string): string => `/payments/${encodeURIComponent(key)}`;
