import { z } from 'zod';
import { isEmpty } from './canonical';
import { CONSUMER_FIELDS } from './consumer-spec';
import { API_VERSION } from './kinds';
import { STREAM_FIELDS } from './stream-spec';

type Values = Record<string, unknown>;

/** One converted document, and what somebody should know about it. */
export interface Converted {
  readonly document: Values;
  /** What was dropped, changed or needs a hand; a sentence each, without the name of the document. */
  readonly notes: readonly string[];
}

const NACK_GROUP = 'jetstream.nats.io/';
const object = z.record(z.string(), z.unknown());
const nackDocument = z.looseObject({
  apiVersion: z.string().startsWith(NACK_GROUP),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
  spec: object.default({}),
});

/** True for a document that NACK would act on. */
export const isNack = (document: unknown): boolean => nackDocument.safeParse(document).success;

/**
 * A manifest of NACK's (`jetstream.nats.io`) as one of ours that means the same: what NACK fills in by itself and we fill in
 * otherwise is written down. Key-value and object stores become the streams that they are. Undefined for kinds that have no
 * counterpart.
 *
 * @param document one for which {@link isNack} holds
 */
export function convertNack(document: unknown): Converted | undefined {
  const { kind, metadata, spec } = nackDocument.parse(document);
  const notes: string[] = [];
  const make = (newKind: string, newSpec: Values): Converted => ({
    document: { apiVersion: API_VERSION, kind: newKind, metadata: keptMetadata(metadata), spec: newSpec },
    notes,
  });
  switch (kind) {
    case 'Stream':
      return make('Stream', { ...streamFields(spec, notes), ...policies(spec, notes) });
    case 'Consumer':
      return make('Consumer', { ...consumerFields(spec, notes), ...policies(spec, notes) });
    case 'KeyValue':
      return make('Stream', { ...keyValueStream(spec, notes), ...policies(spec, notes) });
    case 'ObjectStore':
      return make('Stream', { ...objectStoreStream(spec, notes), ...policies(spec, notes) });
    case 'Account':
      return make('Connection', connection(spec, notes));
    default:
      return undefined;
  }
}

/** What a person has written; not what the API server or NACK has added. */
function keptMetadata(metadata: Values): Values {
  const annotations = Object.entries(asObject(metadata['annotations'])).filter(
    ([key]) => key !== 'kubectl.kubernetes.io/last-applied-configuration',
  );
  const { name, namespace, labels } = metadata;
  return given({ name, namespace, labels, annotations: Object.fromEntries(annotations) });
}

function streamFields(spec: Values, notes: string[]): Values {
  const result = known(spec, [...Object.keys(STREAM_FIELDS)]);
  if (result['storage'] === undefined) {
    result['storage'] = 'memory';
    notes.push('storage: memory is written down, which is NACK’s default; ours is file');
  }
  if (isObject(spec['republish'])) {
    const { headers_only, ...republish } = spec['republish'];
    result['republish'] = given({ ...republish, headersOnly: republish['headersOnly'] ?? headers_only });
  }
  if (spec['mirror']) result['mirror'] = source(spec['mirror']);
  if (Array.isArray(spec['sources']) && spec['sources'].length > 0)
    result['sources'] = spec['sources'].map(source);
  dropUnknown(spec, STREAM_FIELDS, notes);
  return result;
}

function consumerFields(spec: Values, notes: string[]): Values {
  const result = known(spec, ['streamName', 'pauseUntil', ...Object.keys(CONSUMER_FIELDS)]);
  if (result['durableName'] === undefined && spec['name']) {
    result['durableName'] = spec['name'];
    notes.push('name has become durableName');
  }
  if (result['durableName'] === undefined)
    notes.push('has no durableName: consumers without one are not declared; give it one');
  if (result['ackPolicy'] === undefined) {
    result['ackPolicy'] = 'none';
    notes.push('ackPolicy: none is written down, which is NACK’s default; ours is explicit');
  }
  if (result['ackWait'] === '1ns') {
    delete result['ackWait'];
    notes.push('ackWait: 1ns, which is NACK’s default, is left out; the server then waits 30 s');
  }
  dropUnknown(spec, { ...CONSUMER_FIELDS, streamName: 0, pauseUntil: 0, name: 0 }, notes);
  return result;
}

/** The stream behind a key-value bucket. Source: NATS, ADR-8. */
function keyValueStream(spec: Values, notes: string[]): Values {
  const bucket = String(spec['bucket'] ?? '');
  notes.push(`the bucket has become its stream KV_${bucket}; clients use it as before`);
  const mirror = isObject(spec['mirror']) ? spec['mirror'] : undefined;
  const sources = Array.isArray(spec['sources']) ? spec['sources'] : [];
  const prefixed = (value: unknown): Values => {
    const from = source(value);
    const name = String(from['name'] ?? '');
    return { ...from, name: name.startsWith('KV_') ? name : `KV_${name}` };
  };
  return given({
    name: `KV_${bucket}`,
    description: spec['description'],
    subjects: mirror === undefined ? [`$KV.${bucket}.>`] : undefined,
    maxMsgsPerSubject: spec['history'] || 1,
    maxBytes: spec['maxBytes'],
    maxAge: spec['ttl'],
    maxMsgSize: spec['maxValueSize'],
    storage: spec['storage'] || 'memory',
    replicas: spec['replicas'],
    placement: given(asObject(spec['placement'])),
    republish: given(asObject(spec['republish'])),
    mirror: mirror && prefixed(mirror),
    mirrorDirect: mirror && true,
    sources: sources.map(prefixed),
    compression: spec['compression'] === true ? 's2' : undefined,
    discard: 'new',
    allowRollup: true,
    allowDirect: true,
    denyDelete: true,
  });
}

/** The stream behind an object store. Source: NATS, ADR-20. */
function objectStoreStream(spec: Values, notes: string[]): Values {
  const bucket = String(spec['bucket'] ?? '');
  notes.push(`the bucket has become its stream OBJ_${bucket}; clients use it as before`);
  return given({
    name: `OBJ_${bucket}`,
    description: spec['description'],
    subjects: [`$O.${bucket}.C.>`, `$O.${bucket}.M.>`],
    maxBytes: spec['maxBytes'],
    maxAge: spec['ttl'],
    storage: spec['storage'] || 'memory',
    replicas: spec['replicas'],
    placement: given(asObject(spec['placement'])),
    compression: spec['compression'] === true ? 's2' : undefined,
    metadata: spec['metadata'],
    discard: 'new',
    allowRollup: true,
    allowDirect: true,
  });
}

function policies(spec: Values, notes: string[]): Values {
  const result: Values = {};
  if (spec['preventDelete'] === true) result['deletionPolicy'] = 'Retain';
  else {
    result['deletionPolicy'] = 'Delete';
    notes.push('deletionPolicy: Delete is written down, as NACK deletes; Retain keeps the messages');
  }
  if (spec['preventUpdate'] === true) result['managementPolicy'] = 'CreateOnly';
  if (spec['account']) result['connection'] = { name: spec['account'] };
  const inline = ['creds', 'nkey', 'servers', 'tls', 'tlsFirst', 'jsDomain'].filter(
    (name) => !isEmpty(spec[name]),
  );
  if (inline.length > 0)
    notes.push(`${inline.join(', ')} left out: declare a Connection with them, and name it in connection`);
  return result;
}

/** Our Connection for NACK's Account. */
function connection(spec: Values, notes: string[]): Values {
  const secretOf = (value: unknown): string | undefined => {
    const name = asObject(asObject(value)['secret'])['name'];
    return typeof name === 'string' ? name : undefined;
  };
  const tls = asObject(spec['tls']);
  const tlsSecret = secretOf(tls);
  const key = (kind: string, member: string): Values | undefined => {
    const value = asObject(spec[kind]);
    const name = secretOf(value);
    return name === undefined ? undefined : given({ name, key: value[member] });
  };
  const user = asObject(spec['user']);
  const userSecret = secretOf(user);
  if (!isEmpty(tls) && tlsSecret === undefined)
    notes.push('files of tls are left out: put them into a Secret and name it in tls');
  return given({
    servers: spec['servers'],
    tls: given({
      caSecret: tlsSecret && tls['ca'] ? { name: tlsSecret, key: tls['ca'] } : undefined,
      clientSecret:
        tlsSecret && tls['cert']
          ? given({ name: tlsSecret, certKey: tls['cert'], keyKey: tls['key'] })
          : undefined,
      handshakeFirst: spec['tlsFirst'] || undefined,
    }),
    credentials: given({
      creds: key('creds', 'file'),
      nkey: key('nkey', 'seed'),
      token: key('token', 'token'),
      userPassword:
        userSecret && given({ name: userSecret, userKey: user['user'], passwordKey: user['password'] }),
    }),
    jsDomain: spec['jsDomain'],
  });
}

/** Fields with these names that say something; NACK's own tools write down empty ones. */
function known(spec: Values, names: readonly string[]): Values {
  return given(Object.fromEntries(names.map((name) => [name, spec[name]])));
}

const source = (value: unknown): Values => given(asObject(value));

function given(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values)
      .map(([name, value]): [string, unknown] => [name, isObject(value) ? given(value) : value])
      .filter(([, value]) => !isEmpty(value)),
  );
}

/** Fields of NACK's that are handled elsewhere. */
const HANDLED = [
  'preventDelete',
  'preventUpdate',
  'account',
  'creds',
  'nkey',
  'servers',
  'tls',
  'tlsFirst',
  'jsDomain',
];

function dropUnknown(spec: Values, fields: Values, notes: string[]): void {
  for (const [name, value] of Object.entries(spec)) {
    if (!(name in fields) && !HANDLED.includes(name) && !isEmpty(value))
      notes.push(`${name} is not known here and is left out`);
  }
}

const isObject = (value: unknown): value is Values => object.safeParse(value).success;
const asObject = (value: unknown): Values => (isObject(value) ? value : {});
