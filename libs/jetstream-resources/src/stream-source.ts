import { z } from 'zod';
import { canonicalInstant, unordered, withMember } from './canonical';
import { excludes, report, Rule } from './rule';
import { assetName, instant, listOf, literalSubject, mappedSubject, sequence, subject } from './value-types';

export const subjectTransform = z.strictObject({
  source: subject.optional().describe('Subjects that are mapped; all when not given.'),
  dest: mappedSubject.describe('What they become, for example `orders.{{wildcard(1)}}`.'),
});
type SubjectTransform = z.output<typeof subjectTransform>;

const fields = z.strictObject({
  name: assetName.describe('Name of the stream.'),
  optStartSeq: sequence.min(1).optional().describe('First sequence to take over.'),
  optStartTime: instant.optional().describe('Messages since this time are taken over; RFC 3339.'),
  filterSubject: subject.optional().describe('Only messages with these subjects are taken over.'),
  subjectTransforms: listOf(subjectTransform, 16)
    .optional()
    .describe(
      'Only messages with these subjects are taken over, under the subjects that they are mapped to.',
    ),
  externalApiPrefix: literalSubject
    .optional()
    .describe('Prefix of the JetStream API where the stream is, when in another account or domain.'),
  externalDeliverPrefix: literalSubject
    .optional()
    .describe('Prefix of the subjects by which its messages come from there.'),
  consumer: z
    .strictObject({
      name: assetName.describe('Durable name of the consumer; its ackPolicy is flow_control.'),
      deliverSubject: literalSubject.describe('Its deliverSubject.'),
    })
    .optional()
    .describe(
      'A durable consumer to read with, instead of one that the server makes for itself. Servers since 2.14.',
    ),
});
export type StreamSource = z.output<typeof fields>;

export const SOURCE_RULES: readonly Rule<StreamSource>[] = [
  excludes('optStartTime', 'optStartSeq', 'give optStartSeq or optStartTime, not both'),
  excludes('filterSubject', 'subjectTransforms', 'give filterSubject or subjectTransforms, which filter too'),
  {
    field: 'externalDeliverPrefix',
    message: 'needs externalApiPrefix beside it',
    cel: '!has(self.externalDeliverPrefix) || has(self.externalApiPrefix)',
    holds: (source) => source.externalDeliverPrefix === undefined || source.externalApiPrefix !== undefined,
  },
  {
    field: 'consumer',
    message: 'excludes optStartSeq, optStartTime and filterSubject; the consumer itself says them',
    cel: '!has(self.consumer) || !(has(self.optStartSeq) || has(self.optStartTime) || has(self.filterSubject))',
    holds: ({ consumer, optStartSeq, optStartTime, filterSubject }) =>
      consumer === undefined ||
      (optStartSeq === undefined && optStartTime === undefined && filterSubject === undefined),
  },
];

/** Where a mirror or sourcing stream takes its messages from. */
export const streamSource = fields
  .superRefine((source, context) => report(SOURCE_RULES, source, context))
  .meta({
    'x-kubernetes-validations': SOURCE_RULES.map(({ cel, message, field }) => ({
      rule: cel,
      message,
      fieldPath: `.${field}`,
    })),
  });

export const encodeTransform = ({ source, dest }: SubjectTransform): object => ({ src: source ?? '', dest });

/** One encoder per field of a source; a new field does not compile without. */
const ENCODERS: { [Field in keyof StreamSource]-?: (source: StreamSource) => object } = {
  name: ({ name }) => ({ name }),
  optStartSeq: ({ optStartSeq }) => ({ opt_start_seq: optStartSeq }),
  optStartTime: ({ optStartTime }) => ({ opt_start_time: optStartTime }),
  filterSubject: ({ filterSubject }) => ({ filter_subject: filterSubject }),
  subjectTransforms: ({ subjectTransforms }) => ({
    subject_transforms: subjectTransforms?.map(encodeTransform),
  }),
  externalApiPrefix: ({ externalApiPrefix, externalDeliverPrefix = '' }) =>
    externalApiPrefix === undefined
      ? {}
      : { external: { api: externalApiPrefix, deliver: externalDeliverPrefix } },
  externalDeliverPrefix: () => ({}),
  consumer: ({ consumer }) => ({
    consumer: consumer && { name: consumer.name, deliver_subject: consumer.deliverSubject },
  }),
};

export const encodeSource = (source: StreamSource): object =>
  Object.assign({}, ...Object.values(ENCODERS).map((encode) => encode(source)));

export const canonicalSource = withMember('opt_start_time', canonicalInstant);
export const canonicalSources = (value: unknown): unknown =>
  unordered(Array.isArray(value) ? value.map(canonicalSource) : value);

/** True when a source, as the server holds it, names a consumer to read with. */
export const readsByConsumer = (value: unknown): boolean =>
  (Array.isArray(value) ? value : [value]).some(
    (source: unknown) =>
      typeof source === 'object' && source !== null && 'consumer' in source && source.consumer !== undefined,
  );
