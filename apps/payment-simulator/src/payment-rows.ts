import { Queryable } from '@headwater/sql';
import { Payment } from './payment';

interface Row {
  key: string;
  outcome: 'debited' | 'declined' | null;
  payment_id: string | null;
  order_id: string | null;
  customer_id: string | null;
  amount: string | null;
  currency: string | null;
  decline_code: string | null;
  decline_message: string | null;
  voided: boolean;
}

const COLUMNS = `key, outcome, payment_id, order_id, customer_id, amount::text AS amount, currency,
  decline_code, decline_message, voided_at IS NOT NULL AS voided`;

const INSERT = {
  name: 'insert-payments',
  text: `INSERT INTO payments (key, outcome, payment_id, order_id, customer_id, amount, currency,
                               decline_code, decline_message, voided_at)
         SELECT key, outcome, payment_id, order_id, customer_id, amount, currency, decline_code, decline_message,
                CASE WHEN voided THEN now() END
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::text[], $8::text[],
                     $9::text[], $10::bool[])
              AS t (key, outcome, payment_id, order_id, customer_id, amount, currency, decline_code, decline_message,
                    voided)
         ON CONFLICT (key) DO NOTHING
         RETURNING key`,
};

/** Stores keys that are new, in one statement for any number of them; returns those that were. */
export async function insertNew(client: Queryable, payments: readonly Payment[]): Promise<Set<string>> {
  const debits = payments.map(({ debit }) => debit);
  const { rows } = await client.query<{ key: string }>({
    ...INSERT,
    values: [
      payments.map(({ key }) => key),
      debits.map((debit) => debit?.outcome ?? null),
      debits.map((debit) => (debit?.outcome === 'debited' ? debit.paymentId : null)),
      debits.map((debit) => debit?.request.orderId ?? null),
      debits.map((debit) => debit?.request.customerId ?? null),
      debits.map((debit) => debit?.request.amount.toString() ?? null),
      debits.map((debit) => debit?.request.currency ?? null),
      debits.map((debit) => (debit?.outcome === 'declined' ? debit.decline.code : null)),
      debits.map((debit) => (debit?.outcome === 'declined' ? debit.decline.message : null)),
      payments.map(({ voided }) => voided),
    ],
  });
  return new Set(rows.map(({ key }) => key));
}

/** What is known under these keys. */
export async function readPayments(
  client: Queryable,
  keys: readonly string[],
): Promise<Map<string, Payment>> {
  const { rows } = await client.query<Row>({
    name: 'read-payments',
    text: `SELECT ${COLUMNS} FROM payments WHERE key = ANY($1::text[])`,
    values: [keys],
  });
  return new Map(rows.map((row) => [row.key, paymentOf(row)]));
}

/** Voids keys, for ever; those that are not known yet become known as voided. */
export async function voidKeys(client: Queryable, keys: readonly string[]): Promise<void> {
  await client.query({
    name: 'void-payments',
    text: `INSERT INTO payments (key, voided_at) SELECT key, now() FROM unnest($1::text[]) AS t (key)
           ON CONFLICT (key) DO UPDATE SET voided_at = coalesce(payments.voided_at, excluded.voided_at)`,
    // One order of locks for everybody, so that two batches can't wait for each other.
    values: [[...keys].sort()],
  });
}

/** A page of the ledger by key. */
export async function readPage(client: Queryable, after: string, limit: number): Promise<Payment[]> {
  const { rows } = await client.query<Row>({
    name: 'page-payments',
    text: `SELECT ${COLUMNS} FROM payments WHERE key > $1 ORDER BY key LIMIT $2`,
    values: [after, limit],
  });
  return rows.map(paymentOf);
}

/** Sums and counts of one currency; amounts are minor units. */
export interface Totals {
  currency: string;
  debits: number;
  declines: number;
  voids: number;
  debited: string;
  voided: string;
  /** What the provider holds: debited less voided. */
  held: string;
}

export async function readTotals(client: Queryable): Promise<Totals[]> {
  const { rows } = await client.query<Totals>(
    `SELECT currency,
            count(*) FILTER (WHERE outcome = 'debited')::int AS debits,
            count(*) FILTER (WHERE outcome = 'declined')::int AS declines,
            count(*) FILTER (WHERE outcome = 'debited' AND voided_at IS NOT NULL)::int AS voids,
            coalesce(sum(amount) FILTER (WHERE outcome = 'debited'), 0)::text AS debited,
            coalesce(sum(amount) FILTER (WHERE outcome = 'debited' AND voided_at IS NOT NULL), 0)::text AS voided,
            coalesce(sum(amount) FILTER (WHERE outcome = 'debited' AND voided_at IS NULL), 0)::text AS held
     FROM payments WHERE currency IS NOT NULL GROUP BY currency ORDER BY currency`,
  );
  return rows;
}

function paymentOf(row: Row): Payment {
  const { key, voided, outcome } = row;
  if (outcome === null) return { key, voided };
  const request = {
    key,
    orderId: row.order_id ?? '',
    customerId: row.customer_id ?? '',
    amount: BigInt(row.amount ?? 0),
    currency: row.currency ?? '',
  };
  if (outcome === 'debited')
    return { key, voided, debit: { outcome, request, paymentId: row.payment_id ?? '' } };
  const decline = { code: row.decline_code ?? '', message: row.decline_message ?? '' };
  return { key, voided, debit: { outcome, request, decline } };
}
