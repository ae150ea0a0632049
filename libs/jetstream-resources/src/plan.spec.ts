import { CONSUMER_FIELDS, ConsumerSpec } from './consumer-spec';
import { ServerConfig } from './field-mapping';
import { API_VERSION, Desired, desiredOf, Manifest } from './manifest';
import { plan } from './plan';
import { OWNER_KEY } from './spec-types';
import { STREAM_FIELDS, StreamSpec } from './stream-spec';

const envelope = { apiVersion: API_VERSION, metadata: { name: 'x' } } as const;
const stream = (spec: Partial<StreamSpec> = {}): Desired =>
  desiredOf({ ...envelope, kind: 'Stream', spec: { name: 'S', ...spec } }, 'me');
const consumer = (spec: Partial<ConsumerSpec> = {}): Desired =>
  desiredOf({ ...envelope, kind: 'Consumer', spec: { streamName: 'S', durableName: 'C', ...spec } }, 'me');

/** One row per field: what it is in the manifest, and what the server gets. */
const STREAM_ROWS: { [Field in keyof StreamSpec]-?: [NonNullable<StreamSpec[Field]>, unknown] } = {
  name: ['S', 'S'],
  description: ['text', 'text'],
  subjects: [['a.>'], ['a.>']],
  retention: ['interest', 'interest'],
  maxConsumers: [5, 5],
  maxMsgs: [10, 10],
  maxMsgsPerSubject: [3, 3],
  maxBytes: [1024, 1024],
  maxAge: ['24h', 86_400e9],
  maxMsgSize: [512, 512],
  storage: ['memory', 'memory'],
  discard: ['new', 'new'],
  discardPerSubject: [true, true],
  replicas: [3, 3],
  noAck: [true, true],
  duplicateWindow: ['2s', 2e9],
  compression: ['s2', 's2'],
  firstSequence: [100, 100],
  allowDirect: [true, true],
  allowRollup: [true, true],
  denyDelete: [true, true],
  denyPurge: [true, true],
  metadata: [{ team: 'a' }, { team: 'a', [OWNER_KEY]: 'me' }],
};

const CONSUMER_ROWS: { [Field in keyof ConsumerSpec]-?: [NonNullable<ConsumerSpec[Field]>, unknown] } = {
  streamName: ['S', undefined],
  durableName: ['C', 'C'],
  description: ['text', 'text'],
  ackPolicy: ['all', 'all'],
  ackWait: ['45s', 45e9],
  maxDeliver: [5, 5],
  backoff: [
    ['1s', '5s'],
    [1e9, 5e9],
  ],
  filterSubject: ['a.b', 'a.b'],
  filterSubjects: [
    ['a', 'a.*'],
    ['a', 'a.*'],
  ],
  deliverPolicy: ['lastPerSubject', 'last_per_subject'],
  optStartSeq: [7, 7],
  optStartTime: ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z'],
  replayPolicy: ['original', 'original'],
  maxAckPending: [2000, 2000],
  maxWaiting: [9, 9],
  maxRequestBatch: [50, 50],
  maxRequestExpires: ['1m', 60e9],
  maxRequestMaxBytes: [4096, 4096],
  inactiveThreshold: ['1h', 3600e9],
  headersOnly: [true, true],
  replicas: [1, 1],
  memStorage: [true, true],
  metadata: [{ team: 'a' }, { team: 'a', [OWNER_KEY]: 'me' }],
};

test.each(Object.entries(STREAM_ROWS))('stream field %s reaches the server', (field, [declared, sent]) => {
  const mapping = Object.entries(STREAM_FIELDS).find(([name]) => name === field)![1];
  expect(stream({ [field]: declared }).config[mapping.server]).toEqual(sent);
});

test.each(Object.entries(CONSUMER_ROWS))(
  'consumer field %s reaches the server',
  (field, [declared, sent]) => {
    const mapping = Object.entries(CONSUMER_FIELDS).find(([name]) => name === field)![1];
    expect(consumer({ [field]: declared }).config[mapping.server]).toEqual(sent);
  },
);

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
    fields: ['spec.maxAge', 'spec.allowDirect'],
  });
});

test('what manifests cannot say and somebody has set by hand is drift', () => {
  expect(plan(stream(), held(stream(), { sources: [{ name: 'X' }] }))).toEqual({
    action: 'update',
    fields: ['sources'],
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
  expect(planned.action === 'refused' && planned.reason).toContain(field);
});

test('limits and interest may follow each other, and protection may be turned on', () => {
  const desired = stream({ retention: 'interest', denyPurge: true });
  expect(plan(desired, stream().config)).toMatchObject({ action: 'update' });
});

test("another owner's object is not touched, an unmarked one is adopted", () => {
  expect(plan(stream(), held(stream(), { metadata: { [OWNER_KEY]: 'you' } }))).toEqual({
    action: 'refused',
    reason: 'belongs to you',
    fields: [],
  });
  expect(plan(stream(), held(stream(), { metadata: {} }))).toEqual({
    action: 'update',
    fields: ['spec.metadata'],
  });
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
  expect(desiredOf(manifest, 'me').config['ack_wait']).toBe(3e9);
});
