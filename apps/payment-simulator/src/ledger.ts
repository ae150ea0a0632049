import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { GroupCommit } from './group-commit';
import {
  answerDebit,
  answerVoid,
  DebitAnswer,
  DebitRequest,
  Decline,
  firstDebit,
  Payment,
  VoidAnswer,
} from './payment';
import { insertNew, readPage, readPayments, readTotals, Totals, voidKeys } from './payment-rows';

/** What the provider knows of its money, in SQL. Each operation is idempotent by key, across any number of replicas. */
export class Ledger {
  private readonly debits: GroupCommit<DebitRequest, DebitAnswer>;
  private readonly voids: GroupCommit<string, VoidAnswer>;

  /** @param declines the provider's rule, asked once per key */
  constructor(
    private readonly pool: Pool,
    private readonly declines: (request: DebitRequest) => Decline | undefined,
  ) {
    this.debits = new GroupCommit((requests) => this.debitAll(requests));
    this.voids = new GroupCommit((keys) => this.voidAll(keys));
  }

  debit(request: DebitRequest): Promise<DebitAnswer> {
    return this.debits.submit(request);
  }

  void(key: string): Promise<VoidAnswer> {
    return this.voids.submit(key);
  }

  async find(key: string): Promise<Payment | undefined> {
    return (await readPayments(this.pool, [key])).get(key);
  }

  page(after: string, limit: number): Promise<Payment[]> {
    return readPage(this.pool, after, limit);
  }

  totals(): Promise<Totals[]> {
    return readTotals(this.pool);
  }

  /**
   * One INSERT, one commit, for all keys that are new, which is the rule; the others are read afterwards. No transaction
   * spans the two: a row never loses its debit, and a void that comes between only makes the answer a refusal.
   */
  private async debitAll(requests: DebitRequest[]): Promise<DebitAnswer[]> {
    const first = new Map<string, Payment>();
    for (const request of requests) {
      if (!first.has(request.key)) {
        first.set(request.key, firstDebit(request, this.declines(request), randomUUID));
      }
    }
    // In one order of keys, so that replicas that store the same ones can't wait for each other.
    const sorted = [...first.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    const inserted = await insertNew(this.pool, sorted);
    const known = [...first.keys()].filter((key) => !inserted.has(key));
    const stored = known.length > 0 ? await readPayments(this.pool, known) : new Map<string, Payment>();
    return requests.map((request) => {
      const payment = stored.get(request.key) ?? first.get(request.key);
      if (!payment) throw new Error(`the payment ${request.key} has vanished`);
      return answerDebit(payment, request);
    });
  }

  /** Once the first statement is committed no debit of these keys can come any more, so what is read then is final. */
  private async voidAll(keys: string[]): Promise<VoidAnswer[]> {
    const distinct = [...new Set(keys)];
    await voidKeys(this.pool, distinct);
    const payments = await readPayments(this.pool, distinct);
    return keys.map((key) => answerVoid(payments.get(key) ?? { key, voided: true }));
  }
}
