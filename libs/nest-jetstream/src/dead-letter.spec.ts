import { AggregateAppend, AppendResult, DEAD_LETTER_EVENTS, RecordedEvent } from '@headwater/contracts';
import { recordedEvent } from '../test/fixture';
import { deadLetterAggregate, deadLetterId, DeadLetterLog, parkedOf } from './dead-letter';
import { Delivery, deliveryFromLog } from './delivery';

const of = { stream: 'ORDERS', consumer: 'payment-worker' };
const why = {
  reason: 'attempts' as const,
  error: new Error('no'),
  attempts: 8,
  firstFailure: 1,
  lastFailure: 2,
};
const event = recordedEvent({ position: 9, eventId: 'e9', aggregateId: 'order-1' });

const malformed = (body: string): Delivery => ({
  ...deliveryFromLog(event),
  content: {
    malformed: new Error('bad') as never,
    message: { subject: 'ORDERS.created.00', headers: {}, body },
  },
});

test('the id is the same for every attempt to park a delivery, and another for another message or redrive', () => {
  const parked = parkedOf(deliveryFromLog(event), of, why);
  expect(deadLetterId(parkedOf(deliveryFromLog(event), of, { ...why, attempts: 1 }))).toBe(
    deadLetterId(parked),
  );
  expect(deadLetterId({ ...parked, redrive: 1 })).not.toBe(deadLetterId(parked));
  expect(deadLetterId({ ...parked, consumer: 'review-worker' })).not.toBe(deadLetterId(parked));
  expect(deadLetterId(parkedOf(malformed('x'), of, why))).not.toBe(
    deadLetterId(parkedOf(malformed('y'), of, why)),
  );
});

test('dead letters of one order and consumer share an aggregate; a message that is no event has its own', () => {
  const first = deadLetterAggregate(parkedOf(deliveryFromLog(event), of, why));
  const later = deadLetterAggregate(parkedOf(deliveryFromLog({ ...event, position: 12 }), of, why));
  expect(later).toBe(first);
  expect(first).toMatch(/^payment-worker:[\da-f]{64}$/);
  expect(deadLetterAggregate(parkedOf(malformed('x'), of, why))).not.toBe(first);
});

test('a body is kept up to 64 KiB of whole characters', () => {
  const parked = parkedOf(malformed(`a${'é'.repeat(40_000)}`), of, why);
  expect(Buffer.byteLength(parked.message?.body ?? '')).toBe(64 * 1024 - 1);
  expect(parked.message?.body.endsWith('é')).toBe(true);
});

class Clash extends Error {}

/** An event store as far as dead letters see one. */
class Store {
  readonly appended: AggregateAppend[] = [];
  answer: Error | undefined;

  append(_log: string, aggregates: AggregateAppend[]): Promise<AppendResult> {
    if (this.answer) return Promise.reject(this.answer);
    this.appended.push(...aggregates);
    return Promise.resolve({ events: [], repeated: false });
  }

  readAggregate(log: string, aggregateId: string): Promise<RecordedEvent[]> {
    return Promise.resolve(
      this.appended
        .filter((append) => append.aggregateId === aggregateId)
        .flatMap((append) => append.events)
        .map((stored) => recordedEvent({ log, aggregateId, ...stored, metadata: stored.metadata ?? {} })),
    );
  }

  async *readLog(): AsyncIterable<RecordedEvent[]> {
    yield [event];
  }
}

test('a parking is an event that validates, and is found again by its sequence', async () => {
  const store = new Store();
  const log = new DeadLetterLog(store, (error) => error instanceof Clash);
  await log.park(parkedOf(deliveryFromLog(event), of, why));
  const [append] = store.appended;
  const data: unknown = JSON.parse(append?.events[0]?.data ?? '');
  expect(DEAD_LETTER_EVENTS.parked.schema.parse(data)).toMatchObject({
    sequence: 9,
    event: { event_id: 'e9' },
  });
  expect(append?.events[0]?.metadata).toEqual({ schemaVersion: 1, causationId: 'e9' });
  expect(await log.has('ORDERS', 'payment-worker', 9)).toBe(true);
  expect(await log.has('ORDERS', 'review-worker', 9)).toBe(false);
});

test('a parking that is stored already counts as stored; any other refusal does not', async () => {
  const store = new Store();
  const log = new DeadLetterLog(store, (error) => error instanceof Clash);
  const parked = parkedOf(deliveryFromLog(event), of, why);
  store.answer = new Clash();
  await expect(log.park(parked)).resolves.toBeUndefined();
  store.answer = new Error('away');
  await expect(log.park(parked)).rejects.toThrow('away');
});
