import { MalformedMessage } from '@headwater/contracts';
import { parseAckSubject } from './delivery';

const expected = {
  stream: 'ORDERS',
  consumer: 'payment-worker',
  deliveries: 3,
  sequence: 42,
  storedAt: 1_700_000_000_123,
  pending: 7,
};

test.each([
  ['$JS.ACK.ORDERS.payment-worker.3.42.50.1700000000123456789.7'],
  ['$JS.ACK._.hash.ORDERS.payment-worker.3.42.50.1700000000123456789.7.random'],
])('both forms of the ack subject are read: %s', (subject) => {
  expect(parseAckSubject(subject)).toEqual(expected);
});

test('another subject is refused', () => {
  expect(() => parseAckSubject('_INBOX.abc')).toThrow(MalformedMessage);
});
