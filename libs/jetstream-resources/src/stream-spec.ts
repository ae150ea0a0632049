import { z } from 'zod';
import { always, declaredMetadata, encodeLimit, onceTrue, unordered } from './canonical';
import { parseDuration } from './duration';
import { field, FieldTable, requiredField, SINCE, SpecOf, specSchema } from './field';
import { POLICY_FIELDS } from './policies';
import { report } from './rule';
import { STREAM_RULES } from './stream-rules';
import {
  canonicalSource,
  canonicalSources,
  encodeSource,
  encodeTransform,
  readsByConsumer,
  streamSource,
  subjectTransform,
} from './stream-source';
import {
  assetName,
  duration,
  flag,
  limit,
  mappedSubject,
  metadata,
  positive,
  sequence,
  setOf,
  smallLimit,
  subject,
  text,
} from './value-types';

/** A first sequence of 0 and 1 is the same. */
const firstSequence = (value: unknown): unknown => (value === 1 ? 0 : value);
/** The server leaves out this default. */
const persistMode = (value: unknown): unknown => (value === 'default' ? '' : value);

/** The fields of a stream; names as in NACK's v1beta2. What is not declared has JetStream's default. */
export const STREAM_FIELDS = {
  name: requiredField({
    type: assetName,
    description: 'Name of the stream. It never changes.',
    server: 'name',
    frozen: always,
  }),
  description: field({ type: text, description: 'Free text.', server: 'description' }),
  subjects: field({
    type: setOf(subject, 256),
    description:
      'Subjects whose messages the stream keeps; its own name when not given, unless it mirrors or sources others.',
    server: 'subjects',
    canonical: unordered,
  }),
  retention: field({
    type: z.enum(['limits', 'interest', 'workqueue']).meta({ default: 'limits' }),
    description:
      'How long messages stay. limits: until a limit is reached. interest: until every consumer has acknowledged them. workqueue: until one has. It does not change to or from workqueue.',
    server: 'retention',
    unset: 'limits',
    frozen: (from, to) => from === 'workqueue' || to === 'workqueue',
  }),
  maxConsumers: field({
    type: smallLimit,
    description: 'Most consumers that the stream may have. −1 or 0: no limit.',
    server: 'max_consumers',
    encode: encodeLimit,
    unset: -1,
  }),
  maxMsgs: field({
    type: limit,
    description: 'Most messages to keep. −1 or 0: no limit.',
    server: 'max_msgs',
    encode: encodeLimit,
    unset: -1,
  }),
  maxMsgsPerSubject: field({
    type: limit,
    description: 'Most messages to keep of each subject. −1 or 0: no limit.',
    server: 'max_msgs_per_subject',
    encode: encodeLimit,
    unset: -1,
  }),
  maxBytes: field({
    type: limit,
    description: 'Most bytes to keep. −1 or 0: no limit.',
    server: 'max_bytes',
    encode: encodeLimit,
    unset: -1,
  }),
  maxAge: field({
    type: duration(100),
    description: 'How long messages are kept, for example `24h`. 0 or not given: for ever.',
    server: 'max_age',
    encode: parseDuration,
  }),
  maxMsgSize: field({
    type: smallLimit,
    description: 'Most bytes of one message. −1 or 0: the server’s limit.',
    server: 'max_msg_size',
    encode: encodeLimit,
    unset: -1,
  }),
  storage: field({
    type: z.enum(['file', 'memory']).meta({ default: 'file' }),
    description: 'Where messages are kept. It never changes.',
    server: 'storage',
    unset: 'file',
    frozen: always,
  }),
  discard: field({
    type: z.enum(['old', 'new']).meta({ default: 'old' }),
    description:
      'What happens at a limit. old: the oldest messages are removed. new: new messages are refused.',
    server: 'discard',
    unset: 'old',
  }),
  discardPerSubject: field({
    type: flag,
    description: 'Refuses new messages of a subject that has maxMsgsPerSubject; needs discard: new.',
    server: 'discard_new_per_subject',
  }),
  replicas: field({
    type: positive.max(5),
    description: 'How many servers of the cluster keep each message; 1 when not given.',
    server: 'num_replicas',
    unset: 1,
  }),
  noAck: field({
    type: flag,
    description: 'Publishers get no acknowledgement.',
    server: 'no_ack',
  }),
  duplicateWindow: field({
    type: duration(100),
    description:
      'How long a message id is remembered, so that the same message is not stored twice. 0 or not given: two minutes, or maxAge when that is shorter.',
    server: 'duplicate_window',
    encode: parseDuration,
  }),
  placement: field({
    type: z.strictObject({
      cluster: text.max(255).optional().describe('Name of the NATS cluster.'),
      tags: setOf(text.min(1).max(255), 16).optional().describe('Tags that its servers must all have.'),
    }),
    description: 'Which servers the stream may be on.',
    server: 'placement',
  }),
  mirror: field({
    type: streamSource,
    description:
      'The stream is a read-only copy of another one. A mirror may be turned into a stream of its own by removing this; it is never added or changed.',
    server: 'mirror',
    encode: encodeSource,
    canonical: canonicalSource,
    frozen: (_from, to) => to !== undefined,
    since: (value) => (readsByConsumer(value) ? SINCE['2.14'] : undefined),
  }),
  sources: field({
    type: z.array(streamSource).min(1).max(64).meta({ 'x-kubernetes-list-type': 'atomic' }),
    description: 'Streams whose messages are taken over into this one.',
    server: 'sources',
    encode: (sources) => sources.map(encodeSource),
    canonical: canonicalSources,
    since: (value) => (readsByConsumer(value) ? SINCE['2.14'] : undefined),
  }),
  mirrorDirect: field({
    type: flag,
    description:
      'Lets a mirror answer direct gets for its origin. The server sets it by itself when it can see the origin’s allowDirect.',
    server: 'mirror_direct',
  }),
  compression: field({
    type: z.enum(['none', 's2']).meta({ default: 'none' }),
    description: 'Compression of the messages on disk.',
    server: 'compression',
    unset: 'none',
  }),
  subjectTransform: field({
    type: subjectTransform,
    description: 'Messages are stored under another subject than they came with.',
    server: 'subject_transform',
    encode: encodeTransform,
  }),
  republish: field({
    type: z.strictObject({
      source: subject.optional().describe('Subjects of the stored messages; all when not given.'),
      destination: mappedSubject.describe(
        'Subject to publish them to; it must not be one of the stream’s own.',
      ),
      headersOnly: flag.optional().describe('Publishes the headers without the payload.'),
    }),
    description: 'Messages are published again once they are stored.',
    server: 'republish',
    encode: ({ source, destination, headersOnly }) => ({
      src: source ?? '>',
      dest: destination,
      headers_only: headersOnly ?? false,
    }),
  }),
  firstSequence: field({
    type: sequence,
    description: 'Sequence of the first message. It never changes.',
    server: 'first_seq',
    canonical: firstSequence,
    frozen: always,
  }),
  allowDirect: field({
    type: flag,
    description: 'Messages may be read by direct get, from every replica.',
    server: 'allow_direct',
  }),
  allowRollup: field({
    type: flag,
    description: 'A message with the header Nats-Rollup replaces all before it.',
    server: 'allow_rollup_hdrs',
  }),
  denyDelete: field({
    type: flag,
    description: 'No message can be deleted by the API. Once on, it stays on.',
    server: 'deny_delete',
    frozen: onceTrue,
  }),
  denyPurge: field({
    type: flag,
    description: 'The stream can’t be purged by the API. Once on, it stays on.',
    server: 'deny_purge',
    frozen: onceTrue,
  }),
  sealed: field({
    type: flag,
    description:
      'No message comes in or goes away any more. It implies discard: new, denyDelete and denyPurge. Once on, it stays on.',
    server: 'sealed',
    frozen: onceTrue,
  }),
  consumerLimits: field({
    type: z.strictObject({
      inactiveThreshold: duration(0)
        .optional()
        .describe('Longest inactiveThreshold of a consumer, and the one of consumers that name none.'),
      maxAckPending: smallLimit
        .optional()
        .describe('Most maxAckPending of a consumer, and the one of consumers that name none.'),
    }),
    description: 'Bounds and defaults of the stream’s consumers.',
    server: 'consumer_limits',
    encode: ({ inactiveThreshold, maxAckPending }) => ({
      inactive_threshold: inactiveThreshold === undefined ? 0 : parseDuration(inactiveThreshold),
      max_ack_pending: maxAckPending === undefined ? 0 : Math.max(maxAckPending, 0),
    }),
  }),
  allowMsgTtl: field({
    type: flag,
    description: 'Messages may carry a time to live of their own. Once on, it stays on.',
    server: 'allow_msg_ttl',
    frozen: onceTrue,
  }),
  subjectDeleteMarkerTtl: field({
    type: duration(1000),
    description:
      'When the last message of a subject has aged out, a marker with this time to live takes its place. It turns allowMsgTtl and allowRollup on.',
    server: 'subject_delete_marker_ttl',
    encode: parseDuration,
  }),
  allowMsgCounter: field({
    type: flag,
    description: 'The stream holds counters, to which messages add. It never changes. Servers since 2.12.',
    server: 'allow_msg_counter',
    frozen: always,
    since: (value) => (value === true ? SINCE['2.12'] : undefined),
  }),
  allowAtomicPublish: field({
    type: flag,
    description: 'Several messages may be published as one, all or none. Servers since 2.12.',
    server: 'allow_atomic',
    since: (value) => (value === true ? SINCE['2.12'] : undefined),
  }),
  allowMsgSchedules: field({
    type: flag,
    description:
      'Messages may be published for a later time. It turns allowRollup on. Once on, it stays on. Servers since 2.12.',
    server: 'allow_msg_schedules',
    frozen: onceTrue,
    since: (value) => (value === true ? SINCE['2.12'] : undefined),
  }),
  allowBatched: field({
    type: flag,
    description: 'Messages may be published in fast batches. Servers since 2.14.',
    server: 'allow_batched',
    since: (value) => (value === true ? SINCE['2.14'] : undefined),
  }),
  persistMode: field({
    type: z.enum(['default', 'async']).meta({ default: 'default' }),
    description:
      'async: messages are acknowledged before they are on disk, which is faster and loses the last ones in a crash. It never changes. Servers since 2.12.',
    server: 'persist_mode',
    canonical: persistMode,
    frozen: always,
    since: (value) => (value === 'async' ? SINCE['2.12'] : undefined),
  }),
  metadata: field({
    type: metadata,
    description: 'Free key-value pairs.',
    server: 'metadata',
    canonical: declaredMetadata,
  }),
} as const satisfies FieldTable;

export const STREAM_ALL_FIELDS = { ...STREAM_FIELDS, ...POLICY_FIELDS };

export type StreamSpec = SpecOf<typeof STREAM_ALL_FIELDS>;
export const STREAM_SHAPE = specSchema(STREAM_ALL_FIELDS);

/** Spec of a `Stream`. */
export const streamSpec = STREAM_SHAPE.superRefine((spec, context) => report(STREAM_RULES, spec, context));
