import { z } from 'zod';
import { parseDuration } from './duration';
import {
  always,
  comparedFields,
  declaredMetadata,
  FieldTable,
  limit,
  onceTrue,
  toConfig,
  unordered,
} from './field-mapping';
import { assetName, count, duration, metadata, OWNER_KEY, replicas, subject } from './spec-types';

/** Spec of a `Stream`; field names as in NACK's v1beta2. What is not declared has JetStream's default. */
export const streamSpec = z
  .strictObject({
    name: assetName,
    description: z.string().max(4096).optional(),
    subjects: z.array(subject).min(1).optional(),
    retention: z.enum(['limits', 'interest', 'workqueue']).optional(),
    maxConsumers: count.optional(),
    maxMsgs: count.optional(),
    maxMsgsPerSubject: count.optional(),
    maxBytes: count.optional(),
    maxAge: duration(100).optional(),
    maxMsgSize: count.optional(),
    storage: z.enum(['file', 'memory']).optional(),
    discard: z.enum(['old', 'new']).optional(),
    discardPerSubject: z.boolean().optional(),
    replicas: replicas.optional(),
    noAck: z.boolean().optional(),
    duplicateWindow: duration(100).optional(),
    compression: z.enum(['none', 's2']).optional(),
    firstSequence: z.number().int().min(0).optional(),
    allowDirect: z.boolean().optional(),
    allowRollup: z.boolean().optional(),
    denyDelete: z.boolean().optional(),
    denyPurge: z.boolean().optional(),
    metadata: metadata.optional(),
  })
  .superRefine((spec, context) => {
    const fault = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', message, path: [path] });
    if (spec.subjects && new Set(spec.subjects).size < spec.subjects.length)
      fault('subjects', 'must not name a subject twice');
    if (spec.denyPurge && spec.allowRollup) fault('allowRollup', 'is not possible with denyPurge');
    if (spec.discardPerSubject && (spec.discard !== 'new' || (spec.maxMsgsPerSubject ?? 0) <= 0))
      fault('discardPerSubject', 'needs discard: new and maxMsgsPerSubject');
    const age = nanoseconds(spec.maxAge);
    if (age > 0 && nanoseconds(spec.duplicateWindow) > age)
      fault('duplicateWindow', 'must not be longer than maxAge');
  });
export type StreamSpec = z.infer<typeof streamSpec>;

/** 0 for what is absent; also for what is malformed, which its own field reports. */
function nanoseconds(text: string | undefined): number {
  try {
    return text === undefined ? 0 : parseDuration(text);
  } catch {
    return 0;
  }
}

const TWO_MINUTES = 120e9;
/** Two minutes, or maxAge when that is shorter. */
const defaultWindow = (spec: StreamSpec): number =>
  Math.min(TWO_MINUTES, nanoseconds(spec.maxAge) || TWO_MINUTES);

const text = (value: string): string => value;
const flag = (value: boolean): boolean => value;
const off = (): boolean => false;
const unlimited = (): number => -1;

/** A first sequence of 0 and 1 is the same. */
const firstSequence = (value: unknown): unknown => (value === 1 ? 0 : value);

export const STREAM_FIELDS: FieldTable<StreamSpec> = {
  name: { server: 'name', encode: text, unset: () => '', frozen: always },
  description: { server: 'description', encode: text, unset: () => '' },
  subjects: {
    server: 'subjects',
    encode: (subjects) => subjects,
    unset: (spec) => [spec.name],
    canonical: unordered,
  },
  retention: {
    server: 'retention',
    encode: text,
    unset: () => 'limits',
    frozen: (from, to) => from === 'workqueue' || to === 'workqueue',
  },
  maxConsumers: { server: 'max_consumers', encode: limit, unset: unlimited },
  maxMsgs: { server: 'max_msgs', encode: limit, unset: unlimited },
  maxMsgsPerSubject: { server: 'max_msgs_per_subject', encode: limit, unset: unlimited },
  maxBytes: { server: 'max_bytes', encode: limit, unset: unlimited },
  maxAge: { server: 'max_age', encode: parseDuration, unset: () => 0 },
  maxMsgSize: { server: 'max_msg_size', encode: limit, unset: unlimited },
  storage: { server: 'storage', encode: text, unset: () => 'file', frozen: always },
  discard: { server: 'discard', encode: text, unset: () => 'old' },
  discardPerSubject: { server: 'discard_new_per_subject', encode: flag, unset: off },
  replicas: { server: 'num_replicas', encode: (value) => value, unset: () => 1 },
  noAck: { server: 'no_ack', encode: flag, unset: off },
  duplicateWindow: {
    server: 'duplicate_window',
    encode: (value, spec) => parseDuration(value) || defaultWindow(spec),
    unset: defaultWindow,
  },
  compression: { server: 'compression', encode: text, unset: () => 'none' },
  firstSequence: {
    server: 'first_seq',
    encode: (value) => value,
    unset: () => 0,
    canonical: firstSequence,
    frozen: always,
  },
  allowDirect: { server: 'allow_direct', encode: flag, unset: off },
  allowRollup: { server: 'allow_rollup_hdrs', encode: flag, unset: off },
  denyDelete: { server: 'deny_delete', encode: flag, unset: off, frozen: onceTrue },
  denyPurge: { server: 'deny_purge', encode: flag, unset: off, frozen: onceTrue },
  metadata: {
    server: 'metadata',
    encode: (value) => value,
    unset: () => ({}),
    canonical: declaredMetadata,
  },
};

/** What a server of 2.15 knows and a manifest can't say yet; a value set by hand is drift and is taken away. */
const UNDECLARABLE = [
  'sealed',
  'placement',
  'mirror',
  'sources',
  'mirror_direct',
  'republish',
  'subject_transform',
  'consumer_limits',
  'allow_msg_ttl',
  'subject_delete_marker_ttl',
  'allow_msg_counter',
  'allow_atomic',
  'allow_batched',
  'allow_msg_schedules',
] as const;

export const STREAM_COMPARISON = comparedFields(STREAM_FIELDS, UNDECLARABLE);

/** The full configuration to send to the server, with the owner's mark. */
export function toStreamConfig(spec: StreamSpec, owner: string): Record<string, unknown> {
  return toConfig(STREAM_FIELDS, { ...spec, metadata: { ...spec.metadata, [OWNER_KEY]: owner } });
}
