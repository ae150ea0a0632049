import { ORDER_EVENTS, OrderEventName, RecordedEvent } from '@headwater/contracts';
import { changesOf } from './deadline-changes';

const POLICY = { paymentMs: 1_000, reviewMs: 2_000, voidMs: 100, voidMostMs: 300, voidAttempts: 3 };
const T0 = Date.parse('2026-01-01T00:00:00.000Z');
let position = 0;

const event = (orderId: string, version: number, name: OrderEventName, data = '{}'): RecordedEvent => ({
  log: 'ORDERS',
  position: ++position,
  eventId: `e${position}`,
  eventType: ORDER_EVENTS[name].type,
  aggregateId: orderId,
  aggregateType: 'order',
  version,
  data,
  metadata: {},
  recordedAt: new Date(T0).toISOString(),
});

test('an order that is placed and approved within the run leaves no trace', () => {
  const run = [event('a', 1, 'created'), event('a', 2, 'paymentdebited'), event('a', 3, 'approved')];
  expect(changesOf(run, POLICY)).toEqual({ begun: [], ended: [] });
});

test('of orders known before, what ends is removed and what begins is written, once a step', () => {
  const changes = changesOf([event('a', 2, 'paymentdebited'), event('b', 1, 'created')], POLICY);
  expect(changes).toEqual({
    begun: [
      { orderId: 'a', step: 'review', version: 2, dueAt: T0 + 2_000 },
      { orderId: 'b', step: 'payment', version: 1, dueAt: T0 + 1_000 },
    ],
    ended: [{ orderId: 'a', step: 'payment', version: 2 }],
  });
});

test('what begins and ends within the run is removed only', () => {
  const changes = changesOf([event('a', 2, 'paymentdebited'), event('a', 3, 'approved')], POLICY);
  expect(changes.begun).toEqual([]);
  expect(changes.ended.map(({ step, version }) => [step, version])).toEqual([
    ['payment', 3],
    ['review', 3],
    ['void', 3],
    ['settlement', 3],
  ]);
});

test('a further void request is waited for longer; one that says nothing counts as the first', () => {
  const due = (data: string): number | undefined =>
    changesOf([event('a', 4, 'voidrequested', data)], POLICY).begun[0]?.dueAt;
  expect([due('{"attempt":1}'), due('{"attempt":2}'), due('{"attempt":9}'), due('no JSON')]).toEqual([
    T0 + 100,
    T0 + 200,
    T0 + 300,
    T0 + 100,
  ]);
});

test('events of another kind are none of its business', () => {
  expect(changesOf([{ ...event('a', 1, 'created'), eventType: 'ORDERS.unheardof' }], POLICY)).toEqual({
    begun: [],
    ended: [],
  });
});
