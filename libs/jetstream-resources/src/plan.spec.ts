import { CONSUMER_FIELDS, CONSUMER_SHAPE, ConsumerSpec } from './consumer-spec';
import { ServerConfig } from './jetstream-info';
import { API_VERSION } from './kinds';
import { Desired, desiredConsumer, desiredOf, desiredStream, Manifest } from './manifest';
import { OWNER_KEY } from './mark';
import { plan } from './plan';
import { STREAM_FIELDS, STREAM_SHAPE, StreamSpec } from './stream-spec';
import { z } from 'zod';

const envelope = { apiVersion: API_VERSION, metadata: { name: 'x' } } as const;
const stream = (spec: Partial<StreamSpec> = {}): Desired => desiredStream({ name: 'S', ...spec }, 'me');
const consumer = (spec: Partial<ConsumerSpec> = {}): Desired =>
  desiredConsumer({ streamName: 'S', durableName: 'C', ...spec }, 'me');

/** One row per field: what it is in the manifest, and what the server gets. */
type Rows<Table extends Record<string, { type: z.ZodType }>> = {
  [Field in keyof Table]: [z.output<Table[Field]['type']>, unknown];
};

const STREAM_ROWS: Rows<typeof STREAM_FIELDS> = {
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
  placement: [
    { cluster: 'east', tags: ['ssd'] },
    { cluster: 'east', tags: ['ssd'] },
  ],
  mirror: [
    { name: 'O', filterSubject: 'a.>', externalApiPrefix: '$JS.hub.API', externalDeliverPrefix: 'hub' },
    { name: 'O', filter_subject: 'a.>', external: { api: '$JS.hub.API', deliver: 'hub' } },
  ],
  sources: [
    [
      { name: 'O', optStartSeq: 5, subjectTransforms: [{ source: 'a.*', dest: 'b.{{wildcard(1)}}' }] },
      { name: 'P', consumer: { name: 'c', deliverSubject: 'd' } },
      { name: 'Q', optStartTime: '2026-01-02T03:04:05Z' },
    ],
    [
      { name: 'O', opt_start_seq: 5, subject_transforms: [{ src: 'a.*', dest: 'b.{{wildcard(1)}}' }] },
      { name: 'P', consumer: { name: 'c', deliver_subject: 'd' } },
      { name: 'Q', opt_start_time: '2026-01-02T03:04:05Z' },
    ],
  ],
  mirrorDirect: [true, true],
  compression: ['s2', 's2'],
  subjectTransform: [
    { source: 'a.*', dest: 'b.$1' },
    { src: 'a.*', dest: 'b.$1' },
  ],
  republish: [
    { destination: 'copy.>', headersOnly: true },
    { src: '>', dest: 'copy.>', headers_only: true },
  ],
  firstSequence: [100, 100],
  allowDirect: [true, true],
  allowRollup: [true, true],
  denyDelete: [true, true],
  denyPurge: [true, true],
  sealed: [true, true],
  consumerLimits: [
    { inactiveThreshold: '1h', maxAckPending: 50 },
    { inactive_threshold: 3600e9, max_ack_pending: 50 },
  ],
  allowMsgTtl: [true, true],
  subjectDeleteMarkerTtl: ['1m', 60e9],
  allowMsgCounter: [true, true],
  allowAtomicPublish: [true, true],
  allowMsgSchedules: [true, true],
  allowBatched: [true, true],
  persistMode: ['async', 'async'],
  metadata: [{ team: 'a' }, { team: 'a', [OWNER_KEY]: 'me' }],
};

const CONSUMER_ROWS: Rows<typeof CONSUMER_FIELDS> = {
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
  sampleFreq: ['50%', '50%'],
  replicas: [1, 1],
  memStorage: [true, true],
  deliverSubject: ['push.here', 'push.here'],
  deliverGroup: ['group', 'group'],
  flowControl: [true, true],
  heartbeatInterval: ['5s', 5e9],
  rateLimitBps: [1_000_000, 1_000_000],
  priorityPolicy: ['pinned_client', 'pinned_client'],
  priorityGroups: [['g'], ['g']],
  pinnedTtl: ['2m', 120e9],
  metadata: [{ team: 'a' }, { team: 'a', [OWNER_KEY]: 'me' }],
};

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
