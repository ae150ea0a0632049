import {
  AggregateAppend,
  decodeOrderEvent,
  encodeOrderEvent,
  LOGS,
  ORDER_EVENTS,
  OrderEvent,
  parseMoney,
  RecordedEvent,
} from '@headwater/contracts';
import { EventStoreUnavailable, VersionConflict } from '@headwater/eventstore-client';
import { deliveryFromLog, DependencyUnavailable, JetStreamContext } from '@headwater/nest-jetstream';
import { CoordinatorPolicy, evolve, initialOrder, OrderState } from '@headwater/order-domain';
// The apps' own code is what this model is about, and apps have no exports.
/* eslint-disable @nx/enforce-module-boundaries */
import { changesOf } from '../../apps/coordinator/src/deadline-changes';
import type { Deadline } from '../../apps/coordinator/src/deadline-rows';
import { decideOrder } from '../../apps/coordinator/src/decide-order';
import { cancelOrder } from '../../apps/order/src/cancel-order';
import { Problem } from '../../apps/order/src/problem';
import { OrderJournal } from '../../apps/workers/payment/src/order-journal';
import type { PaymentProvider } from '../../apps/workers/payment/src/payment-provider';
import { TakePayment } from '../../apps/workers/payment/src/take-payment';
import { VoidPayment } from '../../apps/workers/payment/src/void-payment';
import { ReviewOrder } from '../../apps/workers/review/src/review-order';
/* eslint-enable @nx/enforce-module-boundaries */
import { Call, Calls, Fate } from './calls';
import { MemoryLog } from './memory-log';
import { MemoryProvider } from './memory-provider';

export const POLICY: CoordinatorPolicy = {
  paymentMs: 60_000,
  reviewMs: 60_000,
  voidMs: 1_000,
  voidMostMs: 4_000,
  voidAttempts: 3,
};

export const ORDER = 'order-1';
const CURRENCY = 'EUR';
const AMOUNT = '12.50';
export const MINOR = parseMoney(AMOUNT, CURRENCY);

const PAYMENT_WORKERS = ['payment', 'payment-2'] as const;
const REVIEW_WORKERS = ['review', 'review-2'] as const;
const COORDINATORS = ['coordinator', 'coordinator-2'] as const;
export const PROCESSES = [...PAYMENT_WORKERS, ...REVIEW_WORKERS, ...COORDINATORS, 'order'] as const;
export type ProcessName = (typeof PROCESSES)[number];

const HANDLED_BY_PAYMENT = [ORDER_EVENTS.created.type, ORDER_EVENTS.voidrequested.type] as const;

type Placed = Exclude<OrderState, { status: 'None' }>;

/** One event for one consumer, until it is acked. */
interface Message {
  consumer: 'payment' | 'review';
  event: RecordedEvent;
  acked: boolean;
}

/**
 * The workers', the coordinator's and the order API's own code over one order, with a log, a provider and deadlines in
 * memory. Every call that one of them makes waits until the test settles it, so any of them can be interleaved with any
 * other, fail, or wait for an hour.
 */
export class PlatformModel {
  now = Date.parse('2026-01-01T00:00:00.000Z');
  readonly calls = new Calls();
  readonly log = new MemoryLog(() => this.now);
  /** Errors that no retry would mend: each would have become a dead letter, or a 500. */
  readonly terminal: unknown[] = [];
  private readonly money: MemoryProvider;
  private readonly messages: Message[] = [];
  private deadlines: Deadline[] = [];
  private checkpoint = 0;
  private relayed = 0;
  private folded: OrderState = initialOrder;
  private readonly foldedNames: string[] = [];

  constructor(
    providerDeclines: boolean,
    /** Asked anew at each handling: rules may change between two. */
    private readonly approves: () => boolean,
  ) {
    this.money = new MemoryProvider(providerDeclines);
    const { schemaVersion, ...encoded } = encodeOrderEvent(created);
    const event = { ...encoded, eventId: 'created-1', metadata: { schemaVersion } };
    const aggregate = { aggregateId: ORDER, aggregateType: 'order', expected: 'no_stream' as const };
    this.log.append(LOGS.orders, [{ ...aggregate, events: [event] }]);
    this.relay();
  }

  get order(): Placed {
    this.fold();
    if (this.folded.status === 'None') throw new Error('the order is gone');
    return this.folded;
  }

  get names(): readonly string[] {
    this.fold();
    return this.foldedNames;
  }

  /** Minor units at the provider. */
  get held(): bigint {
    return this.money.held;
  }

  get waiting(): readonly Deadline[] {
    return this.deadlines;
  }

  get unacked(): Message[] {
    return this.messages.filter(({ acked }) => !acked);
  }

  /** Everything that was ever delivered: any of it may come again, in any order. */
  get delivered(): readonly Message[] {
    return this.messages;
  }

  /** Brings what is new to the consumers. */
  relay(): void {
    for (const event of this.log.events.slice(this.relayed)) {
      if (HANDLED_BY_PAYMENT.some((type) => type === event.eventType))
        this.messages.push({ consumer: 'payment', event, acked: false });
      if (event.eventType === ORDER_EVENTS.paymentdebited.type)
        this.messages.push({ consumer: 'review', event, acked: false });
    }
    this.relayed = this.log.events.length;
  }

  /** Derives deadlines from some of the events that are new, as one transaction. */
  recordDeadlines(events: number): void {
    const fresh = this.log.events.slice(this.checkpoint, this.checkpoint + events);
    const { begun, ended } = changesOf(fresh, POLICY);
    for (const gone of ended) this.remove(gone);
    for (const one of begun) {
      const standing = this.deadlines.find(sameWait(one));
      if (standing && standing.version >= one.version) continue;
      this.deadlines = [...this.deadlines.filter((other) => other !== standing), one];
    }
    this.checkpoint += fresh.length;
  }

  /** Gives a message to one of its consumer's two replicas. */
  deliver(message: Message, replica: 0 | 1): void {
    const process = (message.consumer === 'payment' ? PAYMENT_WORKERS : REVIEW_WORKERS)[replica];
    this.run(
      message.consumer === 'payment'
        ? this.payment(message.event, process)
        : this.review(message.event, process),
      () => (message.acked = true),
    );
  }

  /** A coordinator finds a deadline over, and decides. */
  fire(deadline: Deadline, replica: 0 | 1): void {
    const process = COORDINATORS[replica];
    const options = { policy: POLICY, defaultCurrency: CURRENCY, now: this.now, holder: process };
    const decided = async (): Promise<void> => {
      const outcome = await decideOrder(this.store(process), deadline, options);
      const later = typeof outcome === 'object' && 'laterAt' in outcome ? outcome.laterAt : undefined;
      const write = (): void =>
        later === undefined ? this.remove(deadline) : this.postpone(deadline, later);
      await this.calls.make(process, 'write deadlines', write, () => new Error('the database is away'));
    };
    this.run(decided());
  }

  /** The customer asks for a cancellation. */
  cancel(): void {
    const context = { ifMatch: undefined, traceparent: '', defaultCurrency: CURRENCY };
    this.run(cancelOrder(this.store('order'), ORDER, { reason: 'changed my mind' }, context));
  }

  /** SIGKILL and a new start: handlers keep nothing between two messages. */
  crash(process: ProcessName, arrived: (call: Call) => boolean): void {
    this.calls.forget(process, arrived);
  }

  /** Settles a call, and lets everybody who waited for it go on to the next. */
  async settle(call: Call, fate: Fate): Promise<void> {
    call.settle(fate);
    await this.untilIdle();
  }

  /** Nobody has anything to do but to wait for an answer. */
  untilIdle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Only what is new: this is asked after every single step. */
  private fold(): void {
    for (const event of this.log.events.slice(this.foldedNames.length)) {
      this.folded = evolve(this.folded, { ...decodeOrderEvent(event), eventId: event.eventId });
      this.foldedNames.push(event.eventType.replace('ORDERS.', ''));
    }
  }

  private run(work: Promise<unknown>, done: () => void = () => undefined): void {
    work.then(done, (error: unknown) => {
      if (!passes(error)) this.terminal.push(error);
    });
  }

  private async payment(event: RecordedEvent, process: ProcessName): Promise<void> {
    const journal = new OrderJournal(this.store(process), CURRENCY);
    const provider = this.provider(process);
    const voids = new VoidPayment(provider, journal);
    if (event.eventType === ORDER_EVENTS.created.type)
      return new TakePayment(provider, journal, voids).handle(event, created.data, contextOf(event));
    return voids.handle(event, 'created-1', contextOf(event));
  }

  private async review(event: RecordedEvent, process: ProcessName): Promise<void> {
    const policy = () =>
      this.approves()
        ? { approve: true as const }
        : { approve: false as const, code: 'listed', message: 'on the list' };
    const data = { order_id: ORDER, customer_id: 'c1', payment_id: 'p', amount: AMOUNT, currency: CURRENCY };
    return new ReviewOrder(this.store(process), policy, CURRENCY).handle(event, data, contextOf(event));
  }

  private store(process: ProcessName) {
    const away = (): Error => new EventStoreUnavailable('the event store is away');
    return {
      append: (log: string, aggregates: AggregateAppend[]) => {
        const type = aggregates[0]?.events[0]?.eventType ?? '';
        return this.calls.make(process, `append ${type}`, () => this.log.append(log, aggregates), away);
      },
      readAggregate: (_log: string, id: string) =>
        this.calls.make(process, 'read history', () => this.log.history(id), away),
    };
  }

  private provider(process: ProcessName): PaymentProvider {
    const { calls, money } = this;
    const away = (): Error => new DependencyUnavailable('provider', 'the provider is away');
    return {
      debit: (asked) => calls.make(process, 'debit', () => money.debit(asked), away),
      void: (key) => calls.make(process, 'void', () => money.void(key), away),
    };
  }

  private remove(gone: Pick<Deadline, 'orderId' | 'step' | 'version'>): void {
    this.deadlines = this.deadlines.filter((one) => !sameWait(gone)(one) || one.version > gone.version);
  }

  private postpone(deadline: Deadline, dueAt: number): void {
    this.deadlines = this.deadlines.map((one) =>
      sameWait(deadline)(one) && one.version === deadline.version ? { ...one, dueAt } : one,
    );
  }
}

const created: OrderEvent & { name: 'created' } = {
  name: 'created',
  data: {
    order_id: ORDER,
    customer_id: 'c1',
    restaurant_id: 'r1',
    currency: CURRENCY,
    amount: AMOUNT,
    created_on: '2026-01-01T00:00:00.000Z',
    order_items: [{ code: 'a', name: 'A', unit_price: AMOUNT, quantity: 1 }],
  },
};

const sameWait =
  (a: Pick<Deadline, 'orderId' | 'step'>) =>
  (b: Deadline): boolean =>
    a.orderId === b.orderId && a.step === b.step;

const contextOf = (event: RecordedEvent): JetStreamContext =>
  new JetStreamContext(deliveryFromLog(event), 'worker', 1, new AbortController().signal);

/** What a worker waits out or tries again, and what a customer is told is no use. */
const passes = (error: unknown): boolean =>
  error instanceof EventStoreUnavailable ||
  error instanceof DependencyUnavailable ||
  error instanceof VersionConflict ||
  (error instanceof Problem && error.code === 'conflict') ||
  (error instanceof Error && error.message === 'the database is away');
