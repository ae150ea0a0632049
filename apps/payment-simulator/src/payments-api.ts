import { isCurrency, MAX_MINOR } from '@headwater/contracts';
import { z } from 'zod';
import { Faults, faultsSchema } from './faults';
import { Ledger } from './ledger';
import { Payment } from './payment';
import { parse, Problem } from './problem';

const id = z.string().min(1).max(128);

const debitBody = z.strictObject({
  amount: z
    .string()
    .regex(/^\d{1,16}$/, 'must be minor units, as a string of digits')
    .refine((text) => !/^\d{1,16}$/.test(text) || BigInt(text) <= MAX_MINOR, 'is more than can be taken'),
  currency: z.string().refine(isCurrency, 'must be three capital letters'),
  order_id: id,
  customer_id: id,
});

const ledgerQuery = z.strictObject({
  after: z.string().default(''),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

export interface Answer {
  status: number;
  body: unknown;
}

/** `PUT /payments/{key}` */
export async function debit(ledger: Ledger, key: string, body: unknown): Promise<Answer> {
  const { amount, currency, order_id, customer_id } = parse(debitBody, body);
  const request = { key, amount: BigInt(amount), currency, orderId: order_id, customerId: customer_id };
  const answer = await ledger.debit(request);
  switch (answer.kind) {
    case 'debited':
      return {
        status: 200,
        body: {
          status: 'debited',
          payment_key: key,
          payment_id: answer.paymentId,
          amount: answer.amount.toString(),
          currency: answer.currency,
        },
      };
    case 'declined':
      return { status: 200, body: { status: 'declined', payment_key: key, ...answer.decline } };
    case 'refused':
      return { status: 200, body: { status: 'refused', payment_key: key, code: 'voided' } };
    case 'clash':
      throw new Problem('conflict', `payment ${key}: ${answer.detail}`);
  }
}

/** `POST /payments/{key}/void` */
export async function voidPayment(ledger: Ledger, key: string): Promise<Answer> {
  const { amount, currency, paymentId } = await ledger.void(key);
  return {
    status: 200,
    body: {
      status: 'voided',
      payment_key: key,
      amount: amount.toString(),
      ...(currency === undefined ? {} : { currency }),
      ...(paymentId === undefined ? {} : { payment_id: paymentId }),
    },
  };
}

/** `GET /payments/{key}` */
export async function getPayment(ledger: Ledger, key: string): Promise<Answer> {
  const payment = await ledger.find(key);
  if (!payment) throw new Problem('not-found', `nothing is known of the payment ${key}`);
  return { status: 200, body: view(payment) };
}

/** `GET /ledger`: sums and counts of everything, and a page of payments by key. */
export async function getLedger(ledger: Ledger, query: URLSearchParams): Promise<Answer> {
  const { after, limit } = parse(ledgerQuery, Object.fromEntries(query));
  const [totals, payments] = await Promise.all([ledger.totals(), ledger.page(after, limit)]);
  const last = payments.at(-1);
  return {
    status: 200,
    body: {
      totals,
      payments: payments.map(view),
      ...(last && payments.length === limit ? { next: last.key } : {}),
    },
  };
}

/** `PUT /faults` */
export function putFaults(faults: Faults, body: unknown): Answer {
  // What is not named stays as it is.
  faults.replace({ ...faults.settings, ...parse(faultsSchema.partial(), body) });
  return { status: 200, body: faults.settings };
}

function view({ key, debit: first, voided }: Payment): Record<string, unknown> {
  const base = { payment_key: key, status: voided ? 'voided' : (first?.outcome ?? 'voided') };
  if (!first) return base;
  const { request } = first;
  const asked = {
    order_id: request.orderId,
    customer_id: request.customerId,
    amount: request.amount.toString(),
    currency: request.currency,
  };
  if (first.outcome === 'debited') return { ...base, ...asked, payment_id: first.paymentId };
  return { ...base, status: 'declined', ...asked, ...first.decline };
}
