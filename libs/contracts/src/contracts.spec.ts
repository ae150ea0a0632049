import * as fc from 'fast-check';
import {
  DEAD_LETTER_EVENTS,
  decodeOrderEvent,
  encodeOrderEvent,
  EVENT_TYPE_PATTERN,
  eventOfMessage,
  exponentOf,
  faultOfEventType,
  faultOfId,
  formatMoney,
  headersOf,
  MalformedMessage,
  MoneyError,
  NATS_USERS,
  ORDER_EVENTS,
  parseMoney,
  partitionOf,
  RecordedEvent,
  subjectOf,
  UndecodableEvent,
} from './index';

describe('money', () => {
  test('text and minor units are each other’s inverse', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 15n), fc.constantFrom('EUR', 'JPY', 'KWD'), (minor, currency) => {
        expect(parseMoney(formatMoney(minor, currency), currency)).toBe(minor);
      }),
    );
  });

  test('a JSON number is taken when it is exact for the currency', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 9 }), (cents) => {
        expect(parseMoney(cents / 100, 'EUR')).toBe(BigInt(cents));
      }),
    );
  });

  test.each([
    ['0.1 + 0.2', 0.1 + 0.2, 'EUR'],
    ['half a yen', '0.5', 'JPY'],
    ['a negative amount', '-1', 'EUR'],
    ['exponent notation', 1e21, 'EUR'],
    ['no number', NaN, 'EUR'],
    ['an empty text', '', 'EUR'],
    ['more than all bounds', '10000000000001', 'EUR'],
  ])('%s is refused', (_name, value, currency) => {
    expect(() => parseMoney(value, currency)).toThrow(MoneyError);
  });

  test('exponents are those of ISO 4217', () => {
    expect(['EUR', 'JPY', 'BHD'].map(exponentOf)).toEqual([2, 0, 3]);
  });
});

describe('subjects', () => {
  // Published vectors of FNV-1a, 32 bit: '' = 811c9dc5, 'a' = e40c292c, 'foobar' = bf9cf968.
  test.each([
    ['', 0x811c9dc5 % 64],
    ['a', 0xe40c292c % 64],
    ['foobar', 0xbf9cf968 % 64],
  ])('the partition of %j is %d, for ever', (id, partition) => {
    expect(partitionOf(id)).toBe(partition);
  });

  test('a subject has the type and two digits, or the bare type', () => {
    expect(subjectOf('ORDERS.created', 'foobar')).toBe('ORDERS.created.40');
    expect(subjectOf('ORDERS.created', 'foobar', 0)).toBe('ORDERS.created');
  });
});

const recorded = (changes: Partial<RecordedEvent> = {}): RecordedEvent => ({
  log: 'ORDERS',
  position: 7,
  eventId: 'e1',
  eventType: 'ORDERS.approved',
  aggregateId: 'o1',
  aggregateType: 'order',
  version: 3,
  data: '{"order_id":"o1"}',
  metadata: {},
  recordedAt: '2026-01-01T00:00:00.000Z',
  ...changes,
});

describe('message headers', () => {
  test('an event read from its message is the event', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(text, text, fc.option(text, { nil: undefined }), (eventId, aggregateId, correlationId) => {
        const event = recorded({
          eventId,
          aggregateId,
          metadata: {
            ...(correlationId === undefined ? {} : { correlationId }),
            schemaVersion: 1,
          },
        });
        const headers = new Map(headersOf(event, 'ab'));
        for (const value of headers.values()) expect(value).toMatch(/^[\x21-\x7e]*$/);
        expect(eventOfMessage((name) => headers.get(name), event.data)).toEqual(event);
      }),
    );
  });

  test.each(['ce-id', 'ce-type', 'ce-subject', 'ce-version', 'ce-position'])(
    'without %s it is malformed',
    (missing) => {
      const headers = new Map(headersOf(recorded()).filter(([name]) => name !== missing));
      expect(() => eventOfMessage((name) => headers.get(name), '{}')).toThrow(MalformedMessage);
      expect(() => eventOfMessage((name) => headers.get(name), '{}')).toThrow(missing);
    },
  );
});

describe('the event catalogue', () => {
  test.each([...Object.entries(ORDER_EVENTS), ...Object.entries(DEAD_LETTER_EVENTS)])(
    '%s is named after its type',
    (name, definition) => {
      expect(EVENT_TYPE_PATTERN.exec(definition.type)?.[2]).toBe(name);
    },
  );

  test('what is encoded is decoded', () => {
    const event = { name: 'rejected', data: { order_id: 'o1', code: 'c', message: 'm' } } as const;
    const { eventType, data, schemaVersion } = encodeOrderEvent(event);
    expect(decodeOrderEvent(recorded({ eventType, data, metadata: { schemaVersion } }))).toEqual(event);
  });

  test('the sample’s payloads are version 0', () => {
    const sample = {
      order_id: 'o1',
      customer_id: 'c1',
      restaurant_id: 'r1',
      amount: 12.1,
      created_on: '2020-01-01',
      order_items: [{ code: 'a', name: 'A', unit_price: 12.1, quantity: 1 }],
    };
    expect(
      decodeOrderEvent(recorded({ eventType: 'ORDERS.created', data: JSON.stringify(sample) })),
    ).toMatchObject({
      data: { amount: '12.10', currency: 'EUR', order_items: [{ unit_price: '12.10' }] },
    });
    const debited = '{"OrderID":"o1","CustomerID":"c1","Amount":10.5}';
    expect(decodeOrderEvent(recorded({ eventType: 'ORDERS.paymentdebited', data: debited }))).toMatchObject({
      data: { order_id: 'o1', customer_id: 'c1', amount: '10.50', currency: 'EUR' },
    });
    expect(decodeOrderEvent(recorded({ data: '' }))).toEqual({ name: 'approved', data: { order_id: 'o1' } });
  });

  test.each<[string, Partial<RecordedEvent>]>([
    ['an unknown type', { eventType: 'ORDERS.lost' }],
    ['a version of the future', { metadata: { schemaVersion: 99 } }],
    ['no JSON', { data: '{' }],
    ['data of another shape', { data: '{"order_id":5}', metadata: { schemaVersion: 1 } }],
    ['old data without what is needed', { eventType: 'ORDERS.created', data: '{}' }],
  ])('%s is undecodable, and the message names the aggregate', (_name, changes) => {
    expect(() => decodeOrderEvent(recorded(changes))).toThrow(UndecodableEvent);
    expect(() => decodeOrderEvent(recorded(changes))).toThrow('o1');
  });
});

describe('limits', () => {
  test.each(['', 'x'.repeat(129), 'a\u0000b', 'a\nb'])('the id %j has a fault', (id) => {
    expect(faultOfId(id)).toBeDefined();
  });

  test.each(['orders.created', 'ORDERS.Created', 'ORDERS', 'ORDERS.created.07', 'OTHER.created'])(
    'the event type %s of ORDERS has a fault',
    (type) => {
      expect(faultOfEventType(type, 'ORDERS')).toBeDefined();
    },
  );

  test('a good id and type have none', () => {
    expect(faultOfId('ordré-1')).toBeUndefined();
    expect(faultOfEventType('ORDERS.created', 'ORDERS')).toBeUndefined();
  });
});

test('of all NATS users the event store alone publishes into the streams', () => {
  const publishers = Object.entries(NATS_USERS).filter(([, { publish }]) =>
    publish.some((subject: string) => /^(ORDERS|DEADLETTERS|>|\*)/.test(subject)),
  );
  expect(publishers.map(([name]) => name)).toEqual(['eventstore']);
});
