import { CONSUMER_FIELDS, CONSUMER_SHAPE, ConsumerSpec } from './consumer-spec';
import { ServerConfig } from './jetstream-info';
import { API_VERSION } from './kinds';
import { Desired, desiredConsumer, desiredOf, desiredStream, Manifest } from './manifest';
import { OWNER_KEY } from './mark';
import { plan } from './plan';
import { STREAM_FIELDS, STREAM_SHAPE, StreamSpec } from './stream-spec';
import { CONSUMER_ROWS, STREAM_ROWS } from '../test/field-rows';

const envelope = { apiVersion: API_VERSION, metadata: { name: 'x' } } as const;
const stream = (spec: Partial<StreamSpec> = {}): Desired => desiredStream({ name: 'S', ...spec }, 'me');
const consumer = (spec: Partial<ConsumerSpec> = {}): Desired =>
  desiredConsumer({ streamName: 'S', durableName: 'C', ...spec }, 'me');

/** JSON drops what is undefined, on its way to the server as here. */
const sent = (desired: Desired, server: string): unknown =>
  JSON.parse(JSON.stringify({ value: desired.config[server] })).value;

test.each(Object.entries(STREAM_ROWS))('stream field %s reaches the server', (name, [declared, expected]) => {
  const { server } = Object.entries(STREAM_FIELDS).find(([field]) => field === name)![1];
  expect(STREAM_SHAPE.partial().safeParse({ [name]: declared }).error).toBeUndefined();
  expect(sent(stream({ [name]: declared }), server)).toEqual(expected);
  const undeclared = STREAM_FIELDS[name as keyof typeof STREAM_FIELDS];
  if (name !== 'name' && name !== 'metadata') expect(sent(stream(), undeclared.server)).toBeUndefined();
});

test.each(Object.entries(CONSUMER_ROWS))(
  'consumer field %s reaches the server',
  (name, [declared, expected]) => {
    const { server } = Object.entries(CONSUMER_FIELDS).find(([field]) => field === name)![1];
    expect(CONSUMER_SHAPE.partial().safeParse({ [name]: declared }).error).toBeUndefined();
    expect(sent(consumer({ [name]: declared }), server)).toEqual(expected);
  },
);

test('every field of a row that is declared or not is a difference, and an update', () => {
  for (const [name, [declared]] of Object.entries(STREAM_ROWS)) {
    if (name === 'name') continue;
    const planned = plan(stream({ [name]: declared }), stream().config);
    const fields = 'fields' in planned ? planned.fields : [];
    expect([planned.action, ...fields]).toContain(`spec.${name}`);
  }
});

const held = (desired: Desired, changes: ServerConfig = {}): ServerConfig => ({
  ...desired.config,
  ...changes,
});

test('what is not there is created', () => {
  expect(plan(stream(), undefined)).toEqual({ action: 'create' });
});

test('what the server adds by itself is no difference', () => {
  const desired = stream({ subjects: ['b', 'a'] });
  const observed = held(desired, {
    subjects: ['a', 'b'],
    sealed: false,
    consumer_limits: {},
    mirror_direct: false,
    a_field_of_a_newer_server: true,
    metadata: { [OWNER_KEY]: 'me', '_nats.ver': '2.15.2', '_nats.level': '1' },
  });
  expect(plan(desired, observed)).toEqual({ action: 'none' });
});

test('a field that is no longer declared is turned off', () => {
  const observed = held(stream({ allowDirect: true, maxAge: '1h', duplicateWindow: '2s' }));
  expect(plan(stream({ duplicateWindow: '2s' }), observed)).toEqual({
    action: 'update',
    adopts: false,
    fields: ['spec.maxAge', 'spec.allowDirect'],
  });
});

test.each<[string, Desired, Desired, string]>([
  ['storage', stream({ storage: 'memory' }), stream(), 'spec.storage'],
  ['first sequence', stream({ firstSequence: 5 }), stream(), 'spec.firstSequence'],
  ['to work queue', stream({ retention: 'workqueue' }), stream(), 'spec.retention'],
  ['deny purge off', stream(), stream({ denyPurge: true }), 'spec.denyPurge'],
  ['ack policy', consumer({ ackPolicy: 'all' }), consumer(), 'spec.ackPolicy'],
  ['start', consumer({ deliverPolicy: 'byStartSequence', optStartSeq: 4 }), consumer(), 'spec.optStartSeq'],
])('an unchangeable field is refused by name: %s', (_what, desired, before, field) => {
  const planned = plan(desired, before.config);
  expect(planned).toMatchObject({ action: 'refused' });
  expect(planned.action === 'refused' && planned.fields).toContain(field);
  expect(planned.action === 'refused' && planned.message).toContain(field);
});

test('limits and interest may follow each other, and protection may be turned on', () => {
  const desired = stream({ retention: 'interest', denyPurge: true });
  expect(plan(desired, stream().config)).toMatchObject({ action: 'update' });
});

test("another owner's object is not touched, an unmarked one is adopted", () => {
  const yours = held(stream(), { metadata: { [OWNER_KEY]: 'you' } });
  const nobodys = held(stream(), { metadata: {} });
  expect(plan(stream(), yours)).toMatchObject({ action: 'refused', reason: 'Conflict' });
  expect(plan(stream(), nobodys)).toEqual({ action: 'update', adopts: true, fields: ['metadata'] });
  expect(plan(stream({ adoptionPolicy: 'Never' }), nobodys)).toMatchObject({ reason: 'NotAdopted' });
  expect(plan(stream({ adoptionPolicy: 'Always' }), yours)).toMatchObject({ action: 'update', adopts: true });
});

test('what may only be observed or made is never changed', () => {
  const drifted = held(stream(), { max_msgs: 7 });
  for (const managementPolicy of ['Observe', 'CreateOnly'] as const) {
    expect(plan(stream({ managementPolicy }), drifted)).toEqual({
      action: 'observe',
      reason: 'Drifted',
      fields: ['spec.maxMsgs'],
    });
  }
  expect(plan(stream({ managementPolicy: 'Observe' }), undefined)).toEqual({ action: 'missing' });
  expect(plan(stream({ managementPolicy: 'CreateOnly' }), undefined)).toEqual({ action: 'create' });
});

test('what was deleted by somebody else is made again, or not', () => {
  const context = (desired: Desired) => ({ policies: desired.policies, previouslySeen: true });
  const never = stream({ recreatePolicy: 'Never' });
  expect(plan(stream(), undefined, context(stream()))).toEqual({ action: 'create' });
  expect(plan(never, undefined, context(never))).toEqual({ action: 'missing' });
  expect(plan(never, undefined)).toEqual({ action: 'create' });
});

test('a field that the server is too old for is refused by name and version', () => {
  const desired = stream({ allowBatched: true, allowMsgTtl: true });
  expect(plan(desired, undefined, { policies: desired.policies, level: 2 })).toMatchObject({
    action: 'refused',
    reason: 'Unsupported',
    fields: ['spec.allowBatched'],
    message: expect.stringContaining('2.14'),
  });
  expect(plan(desired, undefined, { policies: desired.policies, level: 4 })).toEqual({ action: 'create' });
});

test('start times in different zones are the same', () => {
  const at = (optStartTime: string): Desired => consumer({ deliverPolicy: 'byStartTime', optStartTime });
  expect(plan(at('2026-01-01T02:00:00+02:00'), at('2026-01-01T00:00:00Z').config)).toEqual({
    action: 'none',
  });
});

test('backoff takes the place of the ack wait', () => {
  const manifest: Manifest = {
    ...envelope,
    kind: 'Consumer',
    spec: { streamName: 'S', durableName: 'C', backoff: ['3s', '9s'] },
  };
  const desired = desiredOf(manifest, 'me');
  expect(plan(desired, held(desired, { ack_wait: 3e9 }))).toEqual({ action: 'none' });
  expect(plan(desired, held(desired, { ack_wait: 30e9, backoff: [] }))).toMatchObject({ action: 'update' });
});
