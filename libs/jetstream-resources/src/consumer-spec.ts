import { z } from 'zod';
import { always, canonicalInstant, declaredMetadata, encodeLimit, isEmpty, unordered } from './canonical';
import { CONSUMER_RULES } from './consumer-rules';
import { parseDuration } from './duration';
import { field, FieldTable, OwnFieldTable, SINCE, SpecOf, specSchema } from './field';
import { POLICY_FIELDS } from './policies';
import { report } from './rule';
import {
  assetName,
  duration,
  flag,
  instant,
  limit,
  listOf,
  literalSubject,
  metadata,
  positive,
  sequence,
  setOf,
  smallLimit,
  subject,
  text,
} from './value-types';

/** In a manifest as elsewhere in it; on the server in snake case. */
export const DELIVER_POLICIES = {
  all: 'all',
  last: 'last',
  new: 'new',
  byStartSequence: 'by_start_sequence',
  byStartTime: 'by_start_time',
  lastPerSubject: 'last_per_subject',
} as const;
type DeliverPolicy = keyof typeof DELIVER_POLICIES;
const deliverPolicies: readonly [DeliverPolicy, ...DeliverPolicy[]] = [
  'all',
  'last',
  'new',
  'byStartSequence',
  'byStartTime',
  'lastPerSubject',
];

/** Where the consumer is: in the subjects of requests, not in its configuration. */
const PLACE_FIELDS = {
  streamName: {
    type: assetName,
    description: 'Name of the stream that it reads. It never changes.',
    required: true,
  },
  pauseUntil: {
    type: instant,
    description:
      'Nothing is delivered before this time (RFC 3339). Removing it ends only a pause that came from here; one set by hand stays.',
  },
} as const satisfies OwnFieldTable;

/** The fields of a consumer; names as in NACK's v1beta2. What is not declared has JetStream's default. */
export const CONSUMER_FIELDS = {
  durableName: {
    type: assetName,
    description: 'Name of the consumer. It never changes.',
    required: true,
    server: 'durable_name',
    frozen: always,
  },
  description: field({ type: text, description: 'Free text.', server: 'description' }),
  ackPolicy: field({
    type: z.enum(['none', 'all', 'explicit', 'flow_control']).meta({ default: 'explicit' }),
    description:
      'explicit: each message is acknowledged. all: an acknowledgement covers all messages before it. none: delivered is done. flow_control: acknowledged by the answers to flow control, for consumers that another stream reads with (servers since 2.14). It never changes.',
    server: 'ack_policy',
    unset: 'explicit',
    frozen: always,
    since: (value) => (value === 'flow_control' ? SINCE['2.14'] : undefined),
  }),
  ackWait: field({
    type: duration(1),
    description:
      'How long a delivered message may stay without acknowledgement before it is delivered again. 0 or not given: 30 s, or the first step of backoff.',
    server: 'ack_wait',
    encode: parseDuration,
  }),
  maxDeliver: field({
    type: smallLimit,
    description: 'How often a message is delivered at most. −1 or 0: no limit.',
    server: 'max_deliver',
    encode: encodeLimit,
    unset: -1,
  }),
  backoff: field({
    type: listOf(duration(1), 64),
    description: 'How long to wait before each delivery again; the last step repeats.',
    server: 'backoff',
    encode: (steps) => steps.map(parseDuration),
  }),
  filterSubject: field({
    type: subject,
    description: 'Only messages with these subjects are delivered.',
    server: 'filter_subject',
  }),
  filterSubjects: field({
    type: setOf(subject, 256),
    description: 'Only messages with these subjects are delivered; no two may overlap.',
    server: 'filter_subjects',
    canonical: unordered,
  }),
  deliverPolicy: field({
    type: z.enum(deliverPolicies).meta({ default: 'all' }),
    description: 'Where in the stream it begins. It never changes.',
    server: 'deliver_policy',
    encode: (value) => DELIVER_POLICIES[value],
    unset: 'all',
    frozen: always,
  }),
  optStartSeq: field({
    type: sequence.min(1),
    description: 'Sequence to begin at, with deliverPolicy: byStartSequence.',
    server: 'opt_start_seq',
    frozen: always,
  }),
  optStartTime: field({
    type: instant,
    description: 'Time to begin at (RFC 3339), with deliverPolicy: byStartTime.',
    server: 'opt_start_time',
    canonical: canonicalInstant,
    frozen: always,
  }),
  replayPolicy: field({
    type: z.enum(['instant', 'original']).meta({ default: 'instant' }),
    description:
      'instant: as fast as possible. original: with the pauses that they were published with. It never changes.',
    server: 'replay_policy',
    unset: 'instant',
    frozen: always,
  }),
  maxAckPending: field({
    type: limit,
    description:
      'Most messages that are delivered and not yet acknowledged. −1: no limit. 0 or not given: the stream’s consumerLimits, or 1000.',
    server: 'max_ack_pending',
    encode: (value) => Math.max(value, -1),
  }),
  maxWaiting: field({
    type: positive,
    description: 'Most waiting requests of a pull consumer; 512 when not given. It never changes.',
    server: 'max_waiting',
    frozen: always,
  }),
  maxRequestBatch: field({
    type: positive,
    description: 'Most messages that one request of a pull consumer may ask for.',
    server: 'max_batch',
  }),
  maxRequestExpires: field({
    type: duration(1),
    description: 'How long a request of a pull consumer may wait.',
    server: 'max_expires',
    encode: parseDuration,
  }),
  maxRequestMaxBytes: field({
    type: positive,
    description: 'Most bytes that one request of a pull consumer may ask for.',
    server: 'max_bytes',
  }),
  inactiveThreshold: field({
    type: duration(0),
    description:
      'The server deletes the consumer after so long without anybody who reads. 0 or not given: the stream’s consumerLimits, or never.',
    server: 'inactive_threshold',
    encode: parseDuration,
  }),
  headersOnly: field({
    type: flag,
    description: 'Delivers the headers without the payload.',
    server: 'headers_only',
  }),
  sampleFreq: field({
    type: z
      .string()
      .max(8)
      .regex(/^[0-9]{1,3}%?$/, 'must be a percentage such as 50%'),
    description: 'Share of acknowledgements that are announced, in percent, for monitoring.',
    server: 'sample_freq',
  }),
  replicas: field({
    type: z.int().min(0).max(5),
    description: 'How many servers keep its state. 0 or not given: as many as its stream.',
    server: 'num_replicas',
  }),
  memStorage: field({
    type: flag,
    description: 'Keeps its state in memory, whatever the stream’s storage is. It never changes.',
    server: 'mem_storage',
    frozen: always,
  }),
  deliverSubject: field({
    type: literalSubject,
    description: 'Makes it a push consumer, which delivers to this subject without being asked.',
    server: 'deliver_subject',
    frozen: (from, to) => isEmpty(from) !== isEmpty(to),
  }),
  deliverGroup: field({
    type: text.min(1),
    description: 'Queue group of a push consumer: each message goes to one of its members.',
    server: 'deliver_group',
  }),
  flowControl: field({
    type: flag,
    description:
      'A push consumer waits for those who fall behind; needs heartbeatInterval. It never changes.',
    server: 'flow_control',
    frozen: always,
  }),
  heartbeatInterval: field({
    type: duration(100),
    description:
      'A push consumer says so often that it is there while there is nothing to deliver. It never changes.',
    server: 'idle_heartbeat',
    encode: parseDuration,
    frozen: always,
  }),
  rateLimitBps: field({
    type: z.int().min(0),
    description: 'Most bits that a push consumer delivers in a second.',
    server: 'rate_limit_bps',
  }),
  priorityPolicy: field({
    type: z.enum(['none', 'overflow', 'pinned_client', 'prioritized']).meta({ default: 'none' }),
    description:
      'How requests of priorityGroups come first. overflow: only when much is waiting. pinned_client: one client at a time. prioritized: by the priority that a request names (servers since 2.12).',
    server: 'priority_policy',
    unset: 'none',
    since: (value) => (value === 'prioritized' ? SINCE['2.12'] : undefined),
  }),
  priorityGroups: field({
    type: listOf(
      z
        .string()
        .regex(/^[a-zA-Z0-9/_=-]{1,16}$/, 'must be 1 to 16 of A-Z a-z 0-9 / _ = -')
        .max(16),
      16,
    ),
    description: 'Names of the groups that requests belong to.',
    server: 'priority_groups',
  }),
  pinnedTtl: field({
    type: duration(1),
    description: 'With priorityPolicy: pinned_client, how long a silent client stays the one.',
    server: 'priority_timeout',
    encode: parseDuration,
  }),
  metadata: field({
    type: metadata,
    description: 'Free key-value pairs.',
    server: 'metadata',
    canonical: declaredMetadata,
  }),
} as const satisfies FieldTable;

export const CONSUMER_ALL_FIELDS = { ...PLACE_FIELDS, ...CONSUMER_FIELDS, ...POLICY_FIELDS };

export type ConsumerSpec = SpecOf<typeof CONSUMER_ALL_FIELDS>;
export const CONSUMER_SHAPE = specSchema(CONSUMER_ALL_FIELDS);

/** Spec of a `Consumer`, a durable one. */
export const consumerSpec = CONSUMER_SHAPE.superRefine((spec, context) =>
  report(CONSUMER_RULES, spec, context),
);
