import { connectionSpec } from './connection-spec';
import { convertNack, isNack } from './convert-nack';
import { parseManifests } from './read-manifests';

const convert = (kind: string, spec: object, metadata: object = { name: 'x' }) =>
  convertNack({ apiVersion: 'jetstream.nats.io/v1beta2', kind, metadata, spec });
/** What is wrong with the converted manifest, as `headwater apply` would say it. */
const faults = (document: unknown): unknown[] =>
  parseManifests(JSON.stringify(document), 'x').filter((read) => typeof read === 'string');

test('a stream keeps its fields, and says what NACK fills in by itself', () => {
  const converted = convert(
    'Stream',
    { name: 'ORDERS', subjects: ['orders.*'], maxAge: '1h', replicas: 0, description: '', noAck: false },
    {
      name: 'orders',
      namespace: 'shop',
      uid: 'u',
      finalizers: ['f'],
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', team: 'a' },
    },
  );
  expect(converted?.document).toEqual({
    apiVersion: 'jetstream.headwater.dev/v1alpha1',
    kind: 'Stream',
    metadata: { name: 'orders', namespace: 'shop', annotations: { team: 'a' } },
    spec: {
      name: 'ORDERS',
      subjects: ['orders.*'],
      maxAge: '1h',
      storage: 'memory',
      deletionPolicy: 'Delete',
    },
  });
  expect(converted?.notes.join()).toMatch(/storage: memory.*deletionPolicy: Delete/s);
  expect(faults(converted?.document)).toEqual([]);
});

test('a consumer keeps its name and loses the ack wait of a nanosecond', () => {
  const converted = convert('Consumer', {
    streamName: 'ORDERS',
    name: 'worker',
    ackWait: '1ns',
    flowControl: false,
    deliverPolicy: 'byStartSequence',
    optStartSeq: 5,
    preventDelete: true,
    preventUpdate: true,
    account: 'shop',
  });
  expect(converted?.document['spec']).toEqual({
    streamName: 'ORDERS',
    durableName: 'worker',
    ackPolicy: 'none',
    deliverPolicy: 'byStartSequence',
    optStartSeq: 5,
    deletionPolicy: 'Retain',
    managementPolicy: 'CreateOnly',
    connection: { name: 'shop' },
  });
  expect(faults(converted?.document)).toEqual([]);
});

test('what cannot be taken along is told', () => {
  const converted = convert('Stream', {
    name: 'S',
    servers: ['nats://x'],
    someday: 5,
    storage: 'file',
    preventDelete: true,
  });
  expect(converted?.notes).toEqual([
    'someday is not known here and is left out',
    'servers left out: declare a Connection with them, and name it in connection',
  ]);
  expect(convert('Consumer', { streamName: 'S' })?.notes.join()).toContain('has no durableName');
});

test('mirrors, sources and republishing are the same with us', () => {
  const spec = {
    name: 'S',
    storage: 'file',
    sources: [
      {
        name: 'O',
        optStartSeq: 0,
        externalApiPrefix: '$JS.hub.API',
        externalDeliverPrefix: 'hub',
        filterSubject: '',
      },
    ],
    republish: { source: '>', destination: 'copy.>', headers_only: true },
    placement: { cluster: '', tags: ['ssd'] },
  };
  const converted = convert('Stream', spec);
  expect(converted?.document['spec']).toMatchObject({
    sources: [{ name: 'O', externalApiPrefix: '$JS.hub.API', externalDeliverPrefix: 'hub' }],
    republish: { source: '>', destination: 'copy.>', headersOnly: true },
    placement: { tags: ['ssd'] },
  });
  expect(faults(converted?.document)).toEqual([]);
});

test('buckets become their streams', () => {
  const values = convert('KeyValue', {
    bucket: 'config',
    history: 5,
    ttl: '1m',
    compression: true,
    sources: [{ name: 'other' }],
  });
  expect(values?.document['spec']).toMatchObject({
    name: 'KV_config',
    subjects: ['$KV.config.>'],
    maxMsgsPerSubject: 5,
    sources: [{ name: 'KV_other' }],
    allowRollup: true,
  });
  const files = convert('ObjectStore', { bucket: 'files', storage: 'file' });
  expect(files?.document['spec']).toMatchObject({
    name: 'OBJ_files',
    subjects: ['$O.files.C.>', '$O.files.M.>'],
  });
  expect([...faults(values?.document), ...faults(files?.document)]).toEqual([]);
});

test('an account becomes a connection', () => {
  const converted = convert('Account', {
    servers: ['nats://nats:4222'],
    tls: { secret: { name: 'tls' }, ca: 'ca.crt', cert: 'tls.crt', key: 'tls.key' },
    creds: { secret: { name: 'creds' }, file: 'user.creds' },
  });
  expect(converted?.document['spec']).toEqual({
    servers: ['nats://nats:4222'],
    tls: {
      caSecret: { name: 'tls', key: 'ca.crt' },
      clientSecret: { name: 'tls', certKey: 'tls.crt', keyKey: 'tls.key' },
    },
    credentials: { creds: { name: 'creds', key: 'user.creds' } },
  });
  expect(connectionSpec.safeParse(converted?.document['spec']).error).toBeUndefined();
});

test('only documents of NACK are converted', () => {
  expect(isNack({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' } })).toBe(false);
  expect(convert('StreamTemplate', {})).toBeUndefined();
});
