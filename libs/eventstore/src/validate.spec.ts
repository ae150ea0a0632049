import { LIMITS } from '@headwater/contracts';
import { InvalidRequest } from './errors';
import { AggregateRequest, AppendRequest, EventRequest } from './request';
import { prepareAppend } from './validate';

const event = (change: Partial<EventRequest> = {}): EventRequest => ({
  eventId: 'e-1',
  eventType: 'ORDERS.created',
  data: '{}',
  metadata: '{}',
  ...change,
});
const aggregate = (change: Partial<AggregateRequest> = {}): AggregateRequest => ({
  aggregateId: 'o-1',
  aggregateType: 'order',
  expected: 'any',
  events: [event()],
  ...change,
});
const request = (...aggregates: AggregateRequest[]): AppendRequest => ({ log: 'ORDERS', aggregates });
const withEvent = (change: Partial<EventRequest>): AppendRequest =>
  request(aggregate({ events: [event({ eventId: 'e-0' }), event(change)] }));

const big = (bytes: number): string => JSON.stringify('x'.repeat(bytes - 2));

test.each<[string, AppendRequest]>([
  ['aggregates', request()],
  ['aggregates[0].aggregate_id', request(aggregate({ aggregateId: '' }))],
  ['aggregates[0].aggregate_id', request(aggregate({ aggregateId: 'a\u0000b' }))],
  ['aggregates[0].aggregate_id', request(aggregate({ aggregateId: 'x'.repeat(129) }))],
  ['aggregates[1].aggregate_id', request(aggregate(), aggregate({ events: [event({ eventId: 'e-2' })] }))],
  ['aggregates[0].aggregate_type', request(aggregate({ aggregateType: '' }))],
  ['aggregates[0].events', request(aggregate({ events: [] }))],
  ['aggregates[0].expected.version', request(aggregate({ expected: -1 }))],
  ['aggregates[0].expected.version', request(aggregate({ expected: 2 ** 53 }))],
  ['aggregates[0].expected.version', request(aggregate({ expected: 1.5 }))],
  ['aggregates[0].events[1].event_id', withEvent({ eventId: '' })],
  ['aggregates[0].events[1].event_id', withEvent({ eventId: 'e-0' })],
  ['aggregates[0].events[1].event_type', withEvent({ eventType: 'created' })],
  ['aggregates[0].events[1].event_type', withEvent({ eventType: 'OTHERS.created' })],
  ['aggregates[0].events[1].event_type', withEvent({ eventType: 'ORDERS.>' })],
  ['aggregates[0].events[1].data', withEvent({ data: '{' })],
  ['aggregates[0].events[1].data', withEvent({ data: big(LIMITS.eventBytes) })],
  ['aggregates[0].events[1].metadata', withEvent({ metadata: '[]' })],
  ['aggregates[0].events[1].metadata', withEvent({ metadata: 'null' })],
  [
    'aggregates',
    request(
      aggregate({
        events: Array.from({ length: LIMITS.eventsPerAppend + 1 }, (_, n) => event({ eventId: `e-${n}` })),
      }),
    ),
  ],
  [
    'aggregates',
    request(
      aggregate({
        events: Array.from({ length: 9 }, (_, n) => event({ eventId: `e-${n}`, data: big(500 * 1024) })),
      }),
    ),
  ],
])('refuses %s', (field, bad) => {
  const fault = ((): unknown => {
    try {
      return prepareAppend(bad);
    } catch (error) {
      return error;
    }
  })();
  expect(fault).toBeInstanceOf(InvalidRequest);
  expect(fault).toMatchObject({ field });
});

test('takes what is within the limits, data empty and of the largest size included', () => {
  const prepared = prepareAppend(
    request(
      aggregate({
        events: [
          event({ data: '', metadata: '' }),
          event({ eventId: 'e-2', data: big(LIMITS.eventBytes), metadata: '' }),
        ],
      }),
    ),
  );
  expect(prepared).toMatchObject({ count: 2, bytes: LIMITS.eventBytes });
});

test('the digest tells content apart and is blind to metadata and expectation', () => {
  const digest = (change: Partial<EventRequest>, of: Partial<AggregateRequest> = {}): string | undefined =>
    prepareAppend(request(aggregate({ ...of, events: [event(change)] }))).aggregates[0]?.events[0]?.digest;
  const first = digest({});
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(digest({ metadata: '{"traceparent":"x"}', eventId: 'e-9' }, { expected: 4 })).toBe(first);
  const others = [
    digest({ data: '{ }' }),
    digest({ eventType: 'ORDERS.approved' }),
    digest({}, { aggregateId: 'o-2' }),
    digest({}, { aggregateType: 'basket' }),
  ];
  expect(new Set([first, ...others]).size).toBe(5);
});
