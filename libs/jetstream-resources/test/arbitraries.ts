import * as fc from 'fast-check';
import { POLICY_FIELDS } from '../src/policies';
import { CONSUMER_ROWS, STREAM_ROWS } from './field-rows';

type Spec = Record<string, unknown>;
type Rows = Readonly<Record<string, readonly unknown[]>>;

/** What a row declares; the second is what the server gets for the first. */
const valuesOf = ([value, _sent, ...others]: readonly unknown[]): unknown[] => [value, ...others];

/** Specs with some of the fields of a table: few enough that many are valid, and `together` those that need each other. */
function some(rows: Rows, leftOut: readonly string[], together: readonly Spec[]): fc.Arbitrary<Spec> {
  const names = Object.keys(rows).filter((name) => !leftOut.includes(name));
  const field = fc
    .constantFrom(...names)
    .chain((name) =>
      fc.constantFrom(...valuesOf(rows[name] ?? [])).map((value): Spec => ({ [name]: value })),
    );
  const group: fc.Arbitrary<Spec> = fc.constantFrom(...together);
  return fc
    .array(fc.oneof({ weight: 5, arbitrary: field }, { weight: 1, arbitrary: group }), { maxLength: 7 })
    .map((parts): Spec => Object.assign({}, ...parts));
}

const STREAM_GROUPS: Spec[] = [
  { discard: 'new', discardPerSubject: true, maxMsgsPerSubject: 3 },
  { denyPurge: true, denyDelete: true, allowDirect: true },
  { allowMsgTtl: true, subjectDeleteMarkerTtl: '1m', allowRollup: true },
  { maxAge: '1s', duplicateWindow: '1s' },
];
const CONSUMER_GROUPS: Spec[] = [
  { deliverPolicy: 'byStartSequence', optStartSeq: 5 },
  { deliverPolicy: 'byStartTime', optStartTime: '2026-01-02T03:04:05.5+01:00' },
  { deliverPolicy: 'lastPerSubject', filterSubjects: ['C.a'] },
  { deliverSubject: 'push.here', heartbeatInterval: '5s', flowControl: true, deliverGroup: 'group' },
  { deliverSubject: 'push.here', ackPolicy: 'flow_control' },
  { priorityPolicy: 'pinned_client', priorityGroups: ['g'], pinnedTtl: '2m' },
  { priorityPolicy: 'overflow', priorityGroups: ['g', 'h'] },
  { backoff: ['1s', '5s'], maxDeliver: 5 },
];

/** Specs of streams, valid or not, without name, and with subjects below `S`. One server has no place for replicas. */
export const streamSpecs = some(STREAM_ROWS, ['name', 'replicas'], STREAM_GROUPS);
/** Specs of consumers, valid or not, without names. */
export const consumerSpecs = some(CONSUMER_ROWS, ['durableName'], CONSUMER_GROUPS);

export const policies: fc.Arbitrary<Spec> = fc.record(
  {
    managementPolicy: fc.constantFrom(...POLICY_FIELDS.managementPolicy.type.options),
    adoptionPolicy: fc.constantFrom(...POLICY_FIELDS.adoptionPolicy.type.options),
    deletionPolicy: fc.constantFrom(...POLICY_FIELDS.deletionPolicy.type.options),
    recreatePolicy: fc.constantFrom(...POLICY_FIELDS.recreatePolicy.type.options),
  },
  { requiredKeys: [] },
);

/** A spec with `S` in subjects and transforms replaced by a name of its own, so that streams do not overlap. */
export function named(spec: Spec, name: string): Spec {
  const text = JSON.stringify(spec).replaceAll('"S.', `"${name}.`);
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === 'object' && parsed !== null ? { ...parsed, name } : {};
}
