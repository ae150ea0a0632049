import * as fc from 'fast-check';
import { encodeOrderEvent, OrderEventData, RecordedEvent } from '@headwater/contracts';
import { CoordinatorPolicy, courseOfHistory, Step, STEPS, WAITS, waitMs } from './coordinate';
import { decide, OrderCommand } from './decide';
import { foldOrder } from './evolve';
import { heldBy, isFinal, OrderState } from './order-state';

const POLICY: CoordinatorPolicy = {
  paymentMs: 1_000,
  reviewMs: 2_000,
  voidMs: 100,
  voidMostMs: 300,
  voidAttempts: 3,
};

const data: OrderEventData<'created'> = {
  order_id: 'o1',
  customer_id: 'c1',
  restaurant_id: 'r1',
  currency: 'EUR',
  amount: '12.50',
  created_on: '2026-01-01T00:00:00.000Z',
  order_items: [{ code: 'a', name: 'A', unit_price: '12.50', quantity: 1 }],
};

const create: OrderCommand = { type: 'create', data };
const debit: OrderCommand = { type: 'recordDebit', paymentId: 'p1' };
const decline: OrderCommand = { type: 'recordDecline', code: 'no-funds', message: 'no funds' };
const approve: OrderCommand = { type: 'approve' };
const reject: OrderCommand = { type: 'reject', code: 'listed', message: 'listed' };
const requestCancel: OrderCommand = { type: 'requestCancel', reason: 'changed my mind' };
const requestVoid: OrderCommand = { type: 'requestVoid', reason: 'rejected: listed' };
const voided: OrderCommand = { type: 'recordVoid', amount: 1250n };
const raise: OrderCommand = { type: 'raiseAttention', reason: 'gave up' };
const resolve: OrderCommand = { type: 'resolve', outcome: 'written-off', reason: 'gone', by: 'ada' };

/** A history as the event store would keep it; time passes as it is told to. */
class History {
  readonly events: RecordedEvent[] = [];
  now = Date.parse('2026-01-01T00:00:00.000Z');

  get state(): OrderState {
    return foldOrder(this.events);
  }

  /** Appends what the command decides on; says whether it was accepted. */
  do(command: OrderCommand): boolean {
    const decision = decide(this.state, command);
    if ('refused' in decision) return false;
    for (const event of decision.accepted) {
      const { eventType, data: text, schemaVersion } = encodeOrderEvent(event);
      const version = this.events.length + 1;
      this.events.push({
        log: 'ORDERS',
        position: version,
        eventId: `e${version}`,
        eventType,
        aggregateId: 'o1',
        aggregateType: 'order',
        version,
        data: text,
        metadata: { schemaVersion },
        recordedAt: new Date(this.now).toISOString(),
      });
    }
    return true;
  }

  course() {
    return courseOfHistory(this.events, POLICY).course;
  }

  get names(): string[] {
    return this.events.map(({ eventType }) => eventType.replace('ORDERS.', ''));
  }
}

function given(...commands: OrderCommand[]): History {
  const history = new History();
  for (const command of commands) if (!history.do(command)) throw new Error(`${command.type} is refused`);
  return history;
}

const voidTwice = [create, debit, reject, requestVoid, requestVoid];

describe.each<
  [seen: string, OrderCommand[], wait: [Step, number] | undefined, Partial<OrderCommand> | undefined]
>([
  ['created', [create], ['payment', 1_000], { type: 'requestVoid' }],
  [
    'paymentdeclined',
    [create, decline],
    ['settlement', 0],
    { type: 'cancel', reason: 'payment declined: no-funds' },
  ],
  ['paymentdebited', [create, debit], ['review', 2_000], { type: 'requestVoid' }],
  [
    'rejected',
    [create, debit, reject],
    ['settlement', 0],
    { type: 'requestVoid', reason: 'rejected: listed' },
  ],
  [
    'cancelrequested before payment',
    [create, requestCancel],
    ['settlement', 0],
    { type: 'requestVoid', reason: 'changed my mind' },
  ],
  [
    'cancelrequested, then a late debit',
    [create, requestCancel, debit],
    ['settlement', 0],
    { type: 'requestVoid' },
  ],
  ['a first voidrequested', voidTwice.slice(0, 4), ['void', 100], { type: 'requestVoid' }],
  ['a second voidrequested', voidTwice, ['void', 200], { type: 'requestVoid' }],
  ['a last voidrequested', [...voidTwice, requestVoid], ['void', 300], { type: 'raiseAttention' }],
  [
    'paymentvoided',
    [create, debit, reject, requestVoid, voided],
    ['settlement', 0],
    { type: 'cancel', reason: 'rejected: listed' },
  ],
  [
    'paymentvoided before the coordinator asked for it',
    [create, requestCancel, debit, voided],
    ['settlement', 0],
    { type: 'cancel', reason: 'changed my mind' },
  ],
  ['needsattention', [create, debit, reject, requestVoid, raise], undefined, undefined],
  [
    'paymentvoided after needsattention',
    [create, debit, reject, requestVoid, raise, voided],
    ['settlement', 0],
    { type: 'cancel', reason: 'gave up' },
  ],
  [
    'resolved',
    [create, debit, reject, requestVoid, raise, resolve],
    ['settlement', 0],
    { type: 'cancel', reason: 'resolved: written-off' },
  ],
  ['approved', [create, debit, approve], undefined, undefined],
  ['cancelled', [create, decline, { type: 'cancel', reason: 'over' }], undefined, undefined],
])('seen %s', (_seen, commands, wait, command) => {
  test('then', () => {
    const history = given(...commands);
    const course = history.course();
    if (!wait) return expect(course).toBeUndefined();
    expect(course).toMatchObject({
      step: wait[0],
      dueAt: history.now + wait[1],
      command,
      cause: { version: history.events.length },
    });
    expect(decide(history.state, course!.command)).toHaveProperty('accepted');
  });
});

test('a wait is counted from the event that began it, not from the newest', () => {
  const history = given(create, debit, reject, requestVoid);
  const asked = history.now;
  history.now += 60;
  history.do(debit);
  expect(history.course()).toMatchObject({ step: 'void', dueAt: asked + 100 });
});

test('the wait for a void doubles up to its bound', () => {
  expect([1, 2, 3, 4, 100].map((attempt) => waitMs('void', POLICY, attempt))).toEqual([
    100, 200, 300, 300, 300,
  ]);
});

test('nothing has happened: nothing is to be done', () => {
  expect(courseOfHistory([], POLICY)).toEqual({ state: { status: 'None', version: 0 } });
});

/** The waits that stand after a history, as the deadlines' projection keeps them. */
function waitsAfter({ events }: History): Set<Step> {
  const waits = new Set<Step>();
  for (const name of events.map(({ eventType }) => eventType.replace('ORDERS.', '') as keyof typeof WAITS)) {
    for (const step of WAITS[name].ends) waits.delete(step);
    const { begins } = WAITS[name];
    if (begins) waits.add(begins);
  }
  return waits;
}

const anyCommand = fc.constantFrom(
  create,
  debit,
  decline,
  approve,
  reject,
  requestCancel,
  requestVoid,
  voided,
  { type: 'cancel', reason: 'over' } as const,
  raise,
  resolve,
);

test('whatever happens: a course is always something that a deadline stands for, and is accepted', () => {
  fc.assert(
    fc.property(fc.array(anyCommand, { maxLength: 25 }), (commands) => {
      const history = new History();
      for (const command of commands) {
        history.do(command);
        const course = history.course();
        if (!course) continue;
        expect([...waitsAfter(history)]).toContain(course.step);
        expect(decide(history.state, course.command)).toHaveProperty('accepted');
      }
    }),
    { numRuns: 200 },
  );
});

/** The provider: keyed, and after a void it takes nothing more. */
class Provider {
  taken = 0n;
  voided = false;

  debit(): boolean {
    if (this.voided) return false;
    this.taken = 1250n;
    return true;
  }

  void(): bigint {
    this.voided = true;
    return this.taken;
  }

  get held(): bigint {
    return this.voided ? 0n : this.taken;
  }
}

/**
 * All actors on one order, each step drawn at random: the payment worker may stop between debit and append and go on any
 * time later, even after the end; deliveries repeat; two coordinators decide on what they saw.
 */
test('under any interleaving: cancelled only with the money settled, one end, and an end once failures stop', () => {
  const moves = [
    'debit',
    'append debit',
    'decline',
    'void',
    'append void',
    'review',
    'cancel',
    'look',
    'act',
    'wait',
  ];
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...moves), { maxLength: 60 }),
      fc.constantFrom<OrderCommand>(approve, reject),
      fc.boolean(),
      (series, review, declines) => {
        const history = given(create);
        const provider = new Provider();
        let took = false;
        let gaveBack: bigint | undefined;
        let seen: { version: number; command: OrderCommand } | undefined;
        const look = (): void => {
          const course = history.course();
          if (course && course.dueAt <= history.now)
            seen = { version: course.cause.version, command: course.command };
        };
        /** Appended with the version it saw; a conflict changes nothing. */
        const act = (): void => {
          if (seen && seen.version === history.events.length) history.do(seen.command);
          seen = undefined;
        };
        const recordVoid = (amount: bigint): void => void history.do({ type: 'recordVoid', amount });
        const appendDebit = (): void => {
          if (!took) return;
          if (!history.names.includes('paymentdebited')) history.do(debit);
          const { status } = history.state;
          // As the worker does: an order that no longer wants the money gets it back before the delivery is acked.
          if (!['Pending', 'PaymentDebited', 'Approved'].includes(status)) recordVoid(provider.void());
        };
        const step = (move: string): void => {
          switch (move) {
            case 'debit':
              if (!declines && provider.debit()) took = true;
              return;
            case 'append debit':
              return appendDebit();
            case 'decline':
              if (declines) history.do(decline);
              return;
            case 'void':
              if (history.names.includes('voidrequested')) gaveBack = provider.void();
              return;
            case 'append void':
              if (gaveBack !== undefined) recordVoid(gaveBack);
              return;
            case 'review':
              history.do(review);
              return;
            case 'cancel':
              history.do(requestCancel);
              return;
            case 'look':
              return look();
            case 'act':
              return act();
            case 'wait':
              history.now += 150;
          }
        };
        const check = (): void => {
          const { state } = history;
          if (state.status === 'None') throw new Error('there is an order');
          if (state.status === 'Cancelled') expect(provider.held).toBe(0n);
          if (state.status === 'Approved') expect(provider.held).toBe(1250n);
        };
        for (const move of series) {
          const before = history.state;
          step(move);
          if (isFinal(before.status)) expect(history.state.status).toBe(before.status);
          check();
        }
        // Failures stop: everybody does their work until nothing is left to do.
        for (let round = 0; round < 20; round++) {
          history.now += 5_000;
          for (const move of [
            'debit',
            'append debit',
            'decline',
            'look',
            'act',
            'void',
            'append void',
            'look',
            'act',
          ])
            step(move);
          if (history.state.status === 'NeedsAttention') history.do(resolve);
        }
        check();
        const end = history.state;
        if (end.status === 'None') throw new Error('there is an order');
        expect(isFinal(end.status)).toBe(true);
        expect(heldBy(end.books)).toBe(provider.held);
        const ends = history.names.filter((name) => name === 'approved' || name === 'cancelled');
        expect(ends).toHaveLength(1);
      },
    ),
    { numRuns: 300 },
  );
});

test('every step is waited for somewhere', () => {
  expect(new Set(Object.values(WAITS).map(({ begins }) => begins))).toEqual(new Set([undefined, ...STEPS]));
});
