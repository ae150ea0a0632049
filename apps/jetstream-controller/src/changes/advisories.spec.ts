import { changedByRequest, deletedBy, mayTell } from './advisories';

const OWN = 'jetstream-controller a';
const request = (subject: string, name = 'nats-cli') =>
  changedByRequest({ json: <T>() => ({ subject, client: { name }, response: '{}' }) as T }, OWN);

test.each([
  ['$JS.API.STREAM.CREATE.ORDERS', { stream: 'ORDERS', gone: false }],
  ['$JS.API.STREAM.UPDATE.ORDERS', { stream: 'ORDERS', gone: false }],
  ['$JS.API.STREAM.DELETE.ORDERS', { stream: 'ORDERS', gone: true }],
  ['$JS.API.CONSUMER.CREATE.ORDERS.worker', { stream: 'ORDERS', consumer: 'worker', gone: false }],
  [
    '$JS.API.CONSUMER.CREATE.ORDERS.worker.orders.paid',
    { stream: 'ORDERS', consumer: 'worker', gone: false },
  ],
  ['$JS.API.CONSUMER.DURABLE.CREATE.ORDERS.worker', { stream: 'ORDERS', consumer: 'worker', gone: false }],
  ['$JS.API.CONSUMER.DELETE.ORDERS.worker', { stream: 'ORDERS', consumer: 'worker', gone: true }],
  ['$JS.API.CONSUMER.PAUSE.ORDERS.worker', { stream: 'ORDERS', consumer: 'worker', gone: false }],
  ['$JS.hub.API.STREAM.UPDATE.ORDERS', { stream: 'ORDERS', gone: false }],
])('%s is a change', (subject, changed) => {
  expect(request(subject)).toEqual(changed);
  expect(request(subject, OWN)).toBeUndefined();
});

test.each([
  '$JS.API.STREAM.INFO.ORDERS',
  '$JS.API.STREAM.LIST',
  '$JS.API.CONSUMER.INFO.ORDERS.worker',
  '$JS.API.CONSUMER.MSG.NEXT.ORDERS.worker',
  '$JS.API.CONSUMER.CREATE.ORDERS',
])('%s is none', (subject) => expect(request(subject)).toBeUndefined());

test('an audit is read only when somebody else has asked for a change', () => {
  const audited = (subject: string, name = 'nats-cli', answer = '{}') =>
    mayTell(
      new TextEncoder().encode(
        JSON.stringify({ type: 'api_audit', server: 'a', client: { name }, subject, response: answer }),
      ),
      OWN,
    );
  expect(audited('$JS.API.STREAM.UPDATE.ORDERS')).toBe(true);
  expect(audited('$JS.API.STREAM.UPDATE.ORDERS', OWN)).toBe(false);
  // An answer that speaks of a change is none.
  expect(audited('$JS.API.STREAM.LIST', 'nats-cli', '{"subject":"$JS.API.STREAM.UPDATE.ORDERS"}')).toBe(
    false,
  );
  expect(mayTell(new Uint8Array(), OWN)).toBe(false);
});

test('what is no audit is passed over', () => {
  expect(changedByRequest({ json: <T>() => ({ other: 1 }) as T }, OWN)).toBeUndefined();
  const broken = {
    json: <T>(): T => {
      throw new SyntaxError('no JSON');
    },
  };
  expect(changedByRequest(broken, OWN)).toBeUndefined();
});

test('deletions by the server itself are told by their subject', () => {
  expect(deletedBy('$JS.EVENT.ADVISORY.STREAM.DELETED.ORDERS')).toEqual({ stream: 'ORDERS', gone: true });
  expect(deletedBy('$JS.EVENT.ADVISORY.CONSUMER.DELETED.ORDERS.worker')).toEqual({
    stream: 'ORDERS',
    consumer: 'worker',
    gone: true,
  });
  expect(deletedBy('$JS.EVENT.ADVISORY.STREAM.CREATED.ORDERS')).toBeUndefined();
});
