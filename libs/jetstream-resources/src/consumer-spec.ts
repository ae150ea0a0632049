import { z } from 'zod';
import { parseDuration } from './duration';
import {
  always,
  comparedFields,
  declaredMetadata,
  FieldTable,
  limit,
  toConfig,
  unordered,
} from './field-mapping';
import { assetName, count, duration, metadata, OWNER_KEY, subject } from './spec-types';

const positive = z.number().int().min(1);

/**
 * Spec of a `Consumer`, a durable pull consumer; field names as in NACK's v1beta2. What is not declared has JetStream's
 * default, except ackPolicy, which is explicit.
 */
export const consumerSpec = z
  .strictObject({
    streamName: assetName,
    durableName: assetName,
    description: z.string().max(4096).optional(),
    ackPolicy: z.enum(['none', 'all', 'explicit']).optional(),
    ackWait: duration(1).optional(),
    maxDeliver: count.optional(),
    backoff: z.array(duration(1)).min(1).optional(),
    filterSubject: subject.optional(),
    filterSubjects: z.array(subject).min(1).optional(),
    deliverPolicy: z
      .enum(['all', 'last', 'new', 'byStartSequence', 'byStartTime', 'lastPerSubject'])
      .optional(),
    optStartSeq: positive.optional(),
    optStartTime: z.iso.datetime({ offset: true }).optional(),
    replayPolicy: z.enum(['instant', 'original']).optional(),
    maxAckPending: count.optional(),
    maxWaiting: positive.optional(),
    maxRequestBatch: positive.optional(),
    maxRequestExpires: duration(1).optional(),
    maxRequestMaxBytes: positive.optional(),
    inactiveThreshold: duration(0).optional(),
    headersOnly: z.boolean().optional(),
    replicas: z.number().int().min(0).max(5).optional(),
    memStorage: z.boolean().optional(),
    metadata: metadata.optional(),
  })
  .superRefine((spec, context) => {
    const fault = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', message, path: [path] });
    if (spec.filterSubject !== undefined && spec.filterSubjects)
      fault('filterSubject', 'excludes filterSubjects');
    if (spec.filterSubjects && new Set(spec.filterSubjects).size < spec.filterSubjects.length)
      fault('filterSubjects', 'must not name a subject twice');
    if (spec.backoff && spec.maxDeliver !== undefined && spec.maxDeliver > 0) {
      if (spec.backoff.length > spec.maxDeliver) fault('backoff', 'must not have more steps than maxDeliver');
    }
    if (spec.backoff && spec.ackWait !== undefined && spec.ackWait !== spec.backoff[0])
      fault('ackWait', 'must equal the first step of backoff, which takes its place');
    if ((spec.deliverPolicy === 'byStartSequence') !== (spec.optStartSeq !== undefined))
      fault('optStartSeq', 'goes with deliverPolicy: byStartSequence, and only with it');
    if ((spec.deliverPolicy === 'byStartTime') !== (spec.optStartTime !== undefined))
      fault('optStartTime', 'goes with deliverPolicy: byStartTime, and only with it');
    if (spec.deliverPolicy === 'lastPerSubject' && !spec.filterSubject && !spec.filterSubjects)
      fault('deliverPolicy', 'lastPerSubject needs a filter');
  });
export type ConsumerSpec = z.infer<typeof consumerSpec>;

const DELIVER_POLICY = {
  all: 'all',
  last: 'last',
  new: 'new',
  byStartSequence: 'by_start_sequence',
  byStartTime: 'by_start_time',
  lastPerSubject: 'last_per_subject',
} as const satisfies Record<NonNullable<ConsumerSpec['deliverPolicy']>, string>;

const THIRTY_SECONDS = 30e9;
const text = (value: string): string => value;
const number = (value: number): number => value;
const flag = (value: boolean): boolean => value;
const zero = (): number => 0;
const off = (): boolean => false;
const list = (value: string[]): string[] => value;
const acks = (spec: ConsumerSpec): boolean => spec.ackPolicy !== 'none';

/** Points in time are equal whatever their zone. */
const instant = (value: unknown): unknown =>
  typeof value === 'string' && value !== '' ? new Date(value).toISOString() : value;

export const CONSUMER_FIELDS: FieldTable<ConsumerSpec> = {
  // The stream is in the request's subject; the server's configuration does not repeat it.
  streamName: { server: 'stream_name', encode: () => undefined, unset: () => undefined },
  durableName: { server: 'durable_name', encode: text, unset: () => '', frozen: always },
  description: { server: 'description', encode: text, unset: () => '' },
  ackPolicy: { server: 'ack_policy', encode: text, unset: () => 'explicit', frozen: always },
  ackWait: {
    server: 'ack_wait',
    encode: (value) => parseDuration(value),
    unset: (spec) => (spec.backoff?.[0] ? parseDuration(spec.backoff[0]) : acks(spec) ? THIRTY_SECONDS : 0),
  },
  maxDeliver: { server: 'max_deliver', encode: limit, unset: () => -1 },
  backoff: { server: 'backoff', encode: (steps) => steps.map(parseDuration), unset: () => [] },
  filterSubject: { server: 'filter_subject', encode: text, unset: () => '' },
  filterSubjects: { server: 'filter_subjects', encode: list, unset: () => [], canonical: unordered },
  deliverPolicy: {
    server: 'deliver_policy',
    encode: (value) => DELIVER_POLICY[value],
    unset: () => 'all',
    frozen: always,
  },
  optStartSeq: { server: 'opt_start_seq', encode: number, unset: zero, frozen: always },
  optStartTime: {
    server: 'opt_start_time',
    encode: text,
    unset: () => undefined,
    canonical: instant,
    frozen: always,
  },
  replayPolicy: { server: 'replay_policy', encode: text, unset: () => 'instant', frozen: always },
  maxAckPending: {
    server: 'max_ack_pending',
    encode: limit,
    unset: (spec) => (acks(spec) ? 1000 : 0),
  },
  maxWaiting: { server: 'max_waiting', encode: number, unset: () => 512, frozen: always },
  maxRequestBatch: { server: 'max_batch', encode: number, unset: zero },
  maxRequestExpires: { server: 'max_expires', encode: parseDuration, unset: zero },
  maxRequestMaxBytes: { server: 'max_bytes', encode: number, unset: zero },
  inactiveThreshold: { server: 'inactive_threshold', encode: parseDuration, unset: zero },
  headersOnly: { server: 'headers_only', encode: flag, unset: off },
  replicas: { server: 'num_replicas', encode: number, unset: zero },
  memStorage: { server: 'mem_storage', encode: flag, unset: off, frozen: always },
  metadata: { server: 'metadata', encode: (value) => value, unset: () => ({}), canonical: declaredMetadata },
};

/** What a server of 2.15 knows and a manifest can't say yet. Pausing is left to whoever pauses. */
const UNDECLARABLE = [
  'deliver_subject',
  'deliver_group',
  'flow_control',
  'idle_heartbeat',
  'rate_limit_bps',
  'sample_freq',
  'direct',
  'priority_groups',
  'priority_timeout',
] as const;

export const CONSUMER_COMPARISON = comparedFields(CONSUMER_FIELDS, UNDECLARABLE);

/** The full configuration to send to the server, with the owner's mark. */
export function toConsumerConfig(spec: ConsumerSpec, owner: string): Record<string, unknown> {
  return toConfig(CONSUMER_FIELDS, { ...spec, metadata: { ...spec.metadata, [OWNER_KEY]: owner } });
}
