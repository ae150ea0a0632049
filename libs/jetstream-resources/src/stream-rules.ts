import { nanoseconds } from './duration';
import { excludes, immutable, Rule, staysOn, TransitionRule } from './rule';
import type { StreamSpec } from './stream-spec';

const on = (...fields: string[]): string =>
  fields.map((field) => `(has(self.${field}) && self.${field})`).join(' || ');
const celTtl = (self: string): string =>
  `((has(${self}.allowMsgTtl) && ${self}.allowMsgTtl) || (has(${self}.subjectDeleteMarkerTtl) && duration(${self}.subjectDeleteMarkerTtl) > duration('0')))`;
const hasTtl = (spec: StreamSpec): boolean =>
  spec.allowMsgTtl === true || nanoseconds(spec.subjectDeleteMarkerTtl) > 0;
const AGAIN = 'delete this resource and make it again (deletionPolicy Retain keeps the stream)';

/** What JetStream asks of the fields of a stream together. */
export const STREAM_RULES: readonly Rule<StreamSpec>[] = [
  excludes('subjects', 'mirror', 'a mirror has no subjects of its own; remove subjects or mirror'),
  excludes('sources', 'mirror', 'a mirror can not have sources too; remove sources or mirror'),
  {
    field: 'firstSequence',
    message: 'a mirror has the sequences of its origin; remove firstSequence or mirror',
    cel: '!has(self.mirror) || !has(self.firstSequence) || self.firstSequence == 0',
    holds: ({ mirror, firstSequence = 0 }) => !mirror || firstSequence === 0,
  },
  {
    field: 'mirror',
    message:
      'a mirror excludes allowMsgCounter, allowAtomicPublish, allowBatched and allowMsgSchedules, since nobody publishes to it',
    cel: `!has(self.mirror) || !(${on('allowMsgCounter', 'allowAtomicPublish', 'allowBatched', 'allowMsgSchedules')})`,
    holds: (spec) =>
      !spec.mirror ||
      !(spec.allowMsgCounter || spec.allowAtomicPublish || spec.allowBatched || spec.allowMsgSchedules),
  },
  {
    field: 'subjectDeleteMarkerTtl',
    message: 'a mirror writes no markers of its own; remove subjectDeleteMarkerTtl or mirror',
    cel: "!has(self.mirror) || !has(self.subjectDeleteMarkerTtl) || duration(self.subjectDeleteMarkerTtl) == duration('0')",
    holds: ({ mirror, subjectDeleteMarkerTtl }) => !mirror || nanoseconds(subjectDeleteMarkerTtl) === 0,
  },
  {
    field: 'allowRollup',
    message: 'a roll-up purges, which denyPurge forbids; give one of them',
    cel: `!((${on('denyPurge')}) && (${on('allowRollup')}))`,
    holds: ({ denyPurge, allowRollup }) => !(denyPurge && allowRollup),
  },
  {
    field: 'subjectDeleteMarkerTtl',
    message:
      'markers need roll-ups and message TTLs: remove denyPurge, allowRollup: false and allowMsgTtl: false',
    cel: `!has(self.subjectDeleteMarkerTtl) || duration(self.subjectDeleteMarkerTtl) == duration('0') || !(${on('denyPurge')} || (has(self.allowRollup) && !self.allowRollup) || (has(self.allowMsgTtl) && !self.allowMsgTtl))`,
    holds: (spec) =>
      nanoseconds(spec.subjectDeleteMarkerTtl) === 0 ||
      !(spec.denyPurge || spec.allowRollup === false || spec.allowMsgTtl === false),
  },
  {
    field: 'allowMsgSchedules',
    message: 'schedules need roll-ups: remove denyPurge and allowRollup: false',
    cel: `!(${on('allowMsgSchedules')}) || !(${on('denyPurge')} || (has(self.allowRollup) && !self.allowRollup))`,
    holds: (spec) => !spec.allowMsgSchedules || !(spec.denyPurge || spec.allowRollup === false),
  },
  {
    field: 'allowMsgSchedules',
    message: 'schedules exclude discard: new and sources',
    cel: `!(${on('allowMsgSchedules')}) || !((has(self.discard) && self.discard == 'new') || has(self.sources))`,
    holds: (spec) => !spec.allowMsgSchedules || !(spec.discard === 'new' || spec.sources),
  },
  {
    field: 'discardPerSubject',
    message: 'needs discard: new and a maxMsgsPerSubject above 0',
    cel: `!(${on('discardPerSubject')}) || (has(self.discard) && self.discard == 'new' && has(self.maxMsgsPerSubject) && self.maxMsgsPerSubject > 0)`,
    holds: (spec) => !spec.discardPerSubject || (spec.discard === 'new' && (spec.maxMsgsPerSubject ?? 0) > 0),
  },
  {
    field: 'duplicateWindow',
    message: 'must not be longer than maxAge',
    cel: "!has(self.duplicateWindow) || !has(self.maxAge) || duration(self.maxAge) == duration('0') || duration(self.duplicateWindow) <= duration(self.maxAge)",
    holds: ({ duplicateWindow, maxAge }) =>
      nanoseconds(maxAge) === 0 || nanoseconds(duplicateWindow) <= nanoseconds(maxAge),
  },
  {
    field: 'allowMsgCounter',
    message:
      'counters need retention: limits and discard: old, and exclude allowMsgTtl, subjectDeleteMarkerTtl and allowMsgSchedules',
    cel: `!(${on('allowMsgCounter')}) || !((has(self.retention) && self.retention != 'limits') || (has(self.discard) && self.discard == 'new') || has(self.subjectDeleteMarkerTtl) || ${on('allowMsgTtl', 'allowMsgSchedules')})`,
    holds: (spec) =>
      !spec.allowMsgCounter ||
      !(
        (spec.retention ?? 'limits') !== 'limits' ||
        spec.discard === 'new' ||
        spec.subjectDeleteMarkerTtl !== undefined ||
        spec.allowMsgTtl ||
        spec.allowMsgSchedules
      ),
  },
  {
    field: 'persistMode',
    message: 'async needs storage: file and one replica, and excludes allowAtomicPublish',
    cel: `!has(self.persistMode) || self.persistMode != 'async' || !((has(self.storage) && self.storage != 'file') || (has(self.replicas) && self.replicas > 1) || ${on('allowAtomicPublish')})`,
    holds: (spec) =>
      spec.persistMode !== 'async' ||
      !(spec.storage === 'memory' || (spec.replicas ?? 1) > 1 || spec.allowAtomicPublish),
  },
  {
    field: 'subjects',
    message: 'to keep every subject there is (>), set noAck: true and one replica',
    cel: `!has(self.subjects) || !self.subjects.exists(subject, subject == '>') || ((${on('noAck')}) && (!has(self.replicas) || self.replicas == 1))`,
    holds: (spec) => !spec.subjects?.includes('>') || (spec.noAck === true && (spec.replicas ?? 1) === 1),
  },
  {
    field: 'sealed',
    message:
      'a sealed stream loses nothing: remove maxAge, allowRollup, subjectDeleteMarkerTtl and allowMsgSchedules',
    cel: `!(${on('sealed')}) || !(has(self.maxAge) || has(self.subjectDeleteMarkerTtl) || ${on('allowRollup', 'allowMsgSchedules')})`,
    holds: (spec) =>
      !spec.sealed ||
      !(
        spec.maxAge !== undefined ||
        spec.subjectDeleteMarkerTtl !== undefined ||
        spec.allowRollup ||
        spec.allowMsgSchedules
      ),
  },
];

/** What JetStream can't change; it is refused at admission, before anything is tried. */
export const STREAM_TRANSITIONS: readonly TransitionRule<StreamSpec>[] = [
  immutable('name', undefined, `the name of a stream never changes; ${AGAIN}`),
  immutable('storage', 'file', `storage never changes; ${AGAIN}`),
  immutable('persistMode', 'default', `persistMode never changes; ${AGAIN}`),
  immutable('allowMsgCounter', false, `allowMsgCounter never changes; ${AGAIN}`),
  {
    field: 'firstSequence',
    message: `firstSequence never changes; ${AGAIN}`,
    cel:
      '(has(self.firstSequence) && self.firstSequence > 1 ? self.firstSequence : 1) == ' +
      '(has(oldSelf.firstSequence) && oldSelf.firstSequence > 1 ? oldSelf.firstSequence : 1)',
    holds: (spec, before) => Math.max(spec.firstSequence ?? 1, 1) === Math.max(before.firstSequence ?? 1, 1),
  },
  {
    field: 'retention',
    message: `retention does not change to or from workqueue; ${AGAIN}`,
    cel: "(has(self.retention) && self.retention == 'workqueue') == (has(oldSelf.retention) && oldSelf.retention == 'workqueue')",
    holds: (spec, before) => (spec.retention === 'workqueue') === (before.retention === 'workqueue'),
  },
  {
    field: 'mirror',
    message: `a mirror may be turned into a stream of its own by removing mirror; it is never added or changed; ${AGAIN}`,
    cel: '!has(self.mirror) || (has(oldSelf.mirror) && self.mirror == oldSelf.mirror)',
    holds: (spec, before) =>
      spec.mirror === undefined || JSON.stringify(spec.mirror) === JSON.stringify(before.mirror),
  },
  staysOn('denyDelete', 'denyDelete stays on once it is on; JetStream has no way to turn it off'),
  staysOn('denyPurge', 'denyPurge stays on once it is on; JetStream has no way to turn it off'),
  staysOn('sealed', 'a sealed stream stays sealed; JetStream has no way to open it'),
  {
    field: 'allowMsgTtl',
    message:
      'message TTLs stay on once they are on, also where subjectDeleteMarkerTtl has turned them on; set allowMsgTtl: true',
    cel: `!${celTtl('oldSelf')} || ${celTtl('self')}`,
    holds: (spec, before) => !hasTtl(before) || hasTtl(spec),
  },
  staysOn(
    'allowMsgSchedules',
    'allowMsgSchedules stays on once it is on; JetStream has no way to turn it off',
  ),
];
