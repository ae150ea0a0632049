import { Metadata, ServiceError, status } from '@grpc/grpc-js';
import { STORE_REASONS } from '@headwater/contracts';
import {
  eventStoreV1,
  faultOf,
  faultOfCall,
  sampleEventStore,
  statusOf,
  StoreFault,
  trailerOf,
} from './index';

const fault: StoreFault = {
  code: status.ABORTED,
  reason: STORE_REASONS.versionConflict,
  message: 'o-1 is at version 3, expected 2 — „ä“',
  metadata: { aggregate_id: 'o-1', expected: '2', actual: '3' },
  field: 'aggregates[0].expected',
  retryAfterMs: 1250,
};

const callError = (metadata: Metadata): ServiceError =>
  Object.assign(new Error('x'), { code: status.ABORTED, details: 'plain', metadata });

test('a fault survives the way through a status and through a call', () => {
  expect(faultOf(statusOf(fault))).toEqual(fault);
  const { metadata } = trailerOf(fault);
  expect(faultOfCall(callError(metadata))).toEqual(fault);
});

test('details that are missing, foreign or broken leave code and message', () => {
  expect(faultOfCall(callError(new Metadata()))).toEqual({ code: status.ABORTED, message: 'plain' });
  const broken = new Metadata();
  broken.set('grpc-status-details-bin', Buffer.from([0xff, 0xff, 0xff]));
  expect(faultOfCall(callError(broken))).toEqual({ code: status.ABORTED, message: 'plain' });
});

test('messages carry int64 as numbers, enums as names, and both alternatives of an outcome', () => {
  const { requestSerialize, requestDeserialize } = eventStoreV1.ReadLog;
  const request = {
    log: 'ORDERS',
    afterPosition: 2 ** 40,
    eventTypes: ['ORDERS.created'],
    limit: 0,
    follow: true,
  };
  expect(requestDeserialize(requestSerialize(request))).toEqual(request);
  const { responseSerialize, responseDeserialize } = eventStoreV1.AppendStream;
  const appended = { events: [{ eventId: 'e', position: 1, version: 1 }], repeatedAppend: false };
  const refused = statusOf(fault);
  const [first, second] = responseDeserialize(
    responseSerialize({ outcomes: [{ appended }, { refused }] }),
  ).outcomes;
  expect(first?.appended).toEqual(appended);
  expect(first?.refused).toBeUndefined();
  expect(second?.refused && faultOf(second.refused)).toEqual(fault);
});

test("the sample's field numbers are on the wire", () => {
  const event = {
    eventId: 'a',
    eventType: 'b',
    aggregateId: 'c',
    aggregateType: 'd',
    eventData: 'e',
    stream: 'f',
  };
  const bytes = sampleEventStore.CreateEvent.requestSerialize({ event });
  const fields = [...'abcdef'].flatMap((letter, index) => [((index + 1) << 3) | 2, 1, letter.charCodeAt(0)]);
  expect([...bytes]).toEqual([0x0a, fields.length, ...fields]);
  expect(sampleEventStore.CreateEvent.path).toBe('/eventstore.EventStore/CreateEvent');
});
