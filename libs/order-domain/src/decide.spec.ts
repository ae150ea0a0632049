import * as fc from 'fast-check';
import { OrderEventData, OrderEventName, ORDER_EVENTS } from '@headwater/contracts';
import { decide, Decision, OrderCommand, Refusal } from './decide';
import { evolve } from './evolve';
import { initialOrder, isFinal, ORDER_STATUSES, OrderState } from './order-state';

const created: OrderEventData<'created'> = {
  order_id: 'o1',
  customer_id: 'c1',
  restaurant_id: 'r1',
  currency: 'EUR',
  amount: '12.50',
  created_on: '2026-01-01T00:00:00.000Z',
  order_items: [{ code: 'a', name: 'A', unit_price: '12.50', quantity: 1 }],
};

const create: OrderCommand = { type: 'create', data: created };
const debit: OrderCommand = { type: 'recordDebit', paymentId: 'p1' };
const decline: OrderCommand = { type: 'recordDecline', code: 'no-funds', message: 'no funds' };
const approve: OrderCommand = { type: 'approve' };
const reject: OrderCommand = { type: 'reject', code: 'listed', message: 'listed' };
const requestCancel: OrderCommand = { type: 'requestCancel', reason: 'changed my mind' };
const requestVoid: OrderCommand = { type: 'requestVoid', reason: 'rejected' };
const voided: OrderCommand = { type: 'recordVoid', amount: 1250n };
const cancel: OrderCommand = { type: 'cancel', reason: 'over' };
const raise: OrderCommand = { type: 'raiseAttention', reason: 'gave up' };
const resolve: OrderCommand = { type: 'resolve', outcome: 'written-off', reason: 'provider gone', by: 'ada' };

const COMMANDS = [
  create,
  debit,
  decline,
  approve,
  reject,
  requestCancel,
  requestVoid,
  voided,
  cancel,
  raise,
  resolve,
];

let eventIds = 0;

function apply(state: OrderState, decision: Decision): OrderState {
  if ('refused' in decision) throw new Error(decision.refused.message);
  return decision.accepted.reduce<OrderState>(
    (now, event) => evolve(now, { ...event, eventId: `e${++eventIds}` }),
    state,
  );
}

const given = (...commands: OrderCommand[]): OrderState =>
  commands.reduce<OrderState>((state, command) => apply(state, decide(state, command)), initialOrder);

const when = (state: OrderState, command: OrderCommand): string[] | Refusal['code'] => {
  const decision = decide(state, command);
  return 'refused' in decision ? decision.refused.code : decision.accepted.map(({ name }) => name);
};

/** Every state of the life cycle, reached by commands. */
const STATES: Record<string, OrderState> = {
  None: given(),
  Pending: given(create),
  PaymentDebited: given(create, debit),
  Declined: given(create, decline),
  Rejected: given(create, debit, reject),
  Cancelling: given(create, requestCancel),
  Voiding: given(create, debit, reject, requestVoid),
  'Voiding, confirmed': given(create, debit, reject, requestVoid, voided),
  Approved: given(create, debit, approve),
  Cancelled: given(create, decline, cancel),
  NeedsAttention: given(create, debit, reject, requestVoid, raise),
  'NeedsAttention, resolved': given(create, debit, reject, requestVoid, raise, resolve),
  'NeedsAttention, voided': given(create, debit, reject, requestVoid, raise, voided),
};

test('every status can be reached', () => {
  expect(new Set(Object.values(STATES).map(({ status }) => status))).toEqual(
    new Set(['None', ...ORDER_STATUSES]),
  );
});

describe.each<[string, OrderCommand, Record<string, string[] | Refusal['code']>]>([
  ['create', create, { None: ['created'], '*': 'order-exists' }],
  ['recordDebit', debit, { None: 'order-unknown', '*': ['paymentdebited'] }],
  ['recordVoid', voided, { None: 'order-unknown', '*': ['paymentvoided'] }],
  ['recordDecline', decline, { None: 'order-unknown', Pending: ['paymentdeclined'], '*': 'not-payable' }],
  ['approve', approve, { None: 'order-unknown', PaymentDebited: ['approved'], '*': 'not-reviewable' }],
  ['reject', reject, { None: 'order-unknown', PaymentDebited: ['rejected'], '*': 'not-reviewable' }],
  [
    'requestCancel',
    requestCancel,
    {
      None: 'order-unknown',
      Pending: ['cancelrequested'],
      PaymentDebited: ['cancelrequested'],
      Approved: 'already-approved',
      '*': 'already-ending',
    },
  ],
  [
    'requestVoid',
    requestVoid,
    {
      None: 'order-unknown',
      Pending: ['voidrequested'],
      PaymentDebited: ['voidrequested'],
      Rejected: ['voidrequested'],
      Cancelling: ['voidrequested'],
      Voiding: ['voidrequested'],
      Approved: 'already-ended',
      Cancelled: 'already-ended',
      '*': 'nothing-to-void',
    },
  ],
  [
    'cancel',
    cancel,
    {
      None: 'order-unknown',
      Declined: ['cancelled'],
      'Voiding, confirmed': ['cancelled'],
      'NeedsAttention, resolved': ['cancelled'],
      'NeedsAttention, voided': ['cancelled'],
      Approved: 'already-ended',
      Cancelled: 'already-ended',
      '*': 'money-unsettled',
    },
  ],
  [
    'raiseAttention',
    raise,
    { None: 'order-unknown', Voiding: ['needsattention'], '*': 'needs-no-attention' },
  ],
  [
    'resolve',
    resolve,
    {
      None: 'order-unknown',
      NeedsAttention: ['resolved'],
      'NeedsAttention, voided': ['resolved'],
      '*': 'needs-no-attention',
    },
  ],
])('%s', (_name, command, outcomes) => {
  test.each(Object.keys(STATES))('when %s', (state) => {
    expect(when(STATES[state]!, command)).toEqual(outcomes[state] ?? outcomes['*']);
  });
});

test('the payment key is the id of the created event', () => {
  const state = evolve(initialOrder, { name: 'created', data: created, eventId: 'the-key' });
  expect(state).toMatchObject({ order: { paymentKey: 'the-key', amount: 1250n } });
});

test('a late debit changes the books of a cancelled order and not its state', () => {
  const before = given(create, requestCancel, requestVoid, { type: 'recordVoid', amount: 0n }, cancel);
  const after = apply(before, decide(before, debit));
  expect(after).toMatchObject({ status: 'Cancelled', books: { debited: 1250n } });
});

test('several facts of one void are one void in the books', () => {
  const before = given(create, debit, reject, requestVoid, voided);
  expect(apply(before, decide(before, voided))).toMatchObject({ books: { debited: 1250n, voided: 1250n } });
  const early = given(create, requestVoid, { type: 'recordVoid', amount: 0n }, debit, voided);
  expect(early).toMatchObject({ books: { debited: 1250n, voided: 1250n } });
});

test('what was given back had been taken, also when the debit was never recorded', () => {
  const killed = given(create, requestVoid, voided);
  expect(killed).toMatchObject({ books: { debited: 1250n, voided: 1250n } });
  expect(apply(killed, decide(killed, debit))).toMatchObject({ books: { debited: 1250n, voided: 1250n } });
});

test('an order whose payment has been given back is not approved', () => {
  expect(when(given(create, debit, voided), approve)).toBe('not-reviewable');
});

test('a second void request counts', () => {
  const decision = decide(STATES['Voiding']!, requestVoid);
  expect(decision).toMatchObject({ accepted: [{ data: { attempt: 2 } }] });
});

test('under any series of commands: what is final stays, and an approved order was paid and not voided before', () => {
  const commands = fc.constantFrom(...COMMANDS);
  fc.assert(
    fc.property(fc.array(commands, { maxLength: 30 }), (series) => {
      let state: OrderState = initialOrder;
      for (const command of series) {
        const decision = decide(state, command);
        if ('refused' in decision) continue;
        const next = apply(state, decision);
        expect(next.version).toBe(state.version + 1);
        if (isFinal(state.status)) expect(next.status).toBe(state.status);
        if (next.status === 'Approved' && state.status !== 'Approved') {
          expect(next).toMatchObject({ books: { debited: 1250n } });
        }
        state = next;
      }
    }),
    { numRuns: 500 },
  );
});

test('every event of the catalogue is evolved in some state', () => {
  const names = new Set<OrderEventName>();
  for (const command of COMMANDS) {
    for (const state of Object.values(STATES)) {
      const decision = decide(state, command);
      if ('accepted' in decision) decision.accepted.forEach(({ name }) => names.add(name));
    }
  }
  expect(names).toEqual(new Set(Object.keys(ORDER_EVENTS)));
});
