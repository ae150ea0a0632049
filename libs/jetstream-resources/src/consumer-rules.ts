import type { ConsumerSpec } from './consumer-spec';
import { nanoseconds } from './duration';
import { excludes, immutable, Rule, TransitionRule, unchanged } from './rule';

const AGAIN = 'delete this resource and make it again, or choose another durableName';

/** The field goes with a push consumer, and only with one. */
const pushOnly = (field: keyof ConsumerSpec & string): Rule<ConsumerSpec> => ({
  field,
  message: `${field} is for push consumers; set deliverSubject or remove it`,
  cel: `!has(self.${field}) || has(self.deliverSubject)`,
  holds: (spec) => spec[field] === undefined || spec.deliverSubject !== undefined,
});
const pullOnly = (field: keyof ConsumerSpec & string): Rule<ConsumerSpec> => ({
  field,
  message: `${field} is for pull consumers; remove it or deliverSubject`,
  cel: `!has(self.${field}) || !has(self.deliverSubject)`,
  holds: (spec) => spec[field] === undefined || spec.deliverSubject === undefined,
});
/** A start goes with one deliver policy, and only with it. */
const start = (field: 'optStartSeq' | 'optStartTime', policy: string): Rule<ConsumerSpec> => ({
  field,
  message: `goes with deliverPolicy: ${policy}, and only with it`,
  cel: `(has(self.deliverPolicy) && self.deliverPolicy == '${policy}') == has(self.${field})`,
  holds: (spec) => (spec.deliverPolicy === policy) === (spec[field] !== undefined),
});

const FLOW_CONTROL = "(has(self.ackPolicy) && self.ackPolicy == 'flow_control')";

/** What JetStream asks of the fields of a consumer together. */
export const CONSUMER_RULES: readonly Rule<ConsumerSpec>[] = [
  excludes('filterSubject', 'filterSubjects', 'give filterSubject or filterSubjects, not both'),
  {
    field: 'backoff',
    message: 'must not have more steps than maxDeliver; raise maxDeliver or remove it',
    cel: '!has(self.backoff) || !has(self.maxDeliver) || self.maxDeliver <= 0 || size(self.backoff) <= self.maxDeliver',
    holds: ({ backoff = [], maxDeliver = -1 }) => maxDeliver <= 0 || backoff.length <= maxDeliver,
  },
  {
    field: 'ackWait',
    message: 'must equal the first step of backoff, which takes its place; remove one of them',
    cel: '!has(self.backoff) || !has(self.ackWait) || duration(self.ackWait) == duration(self.backoff[0])',
    holds: ({ backoff, ackWait }) =>
      backoff === undefined || ackWait === undefined || nanoseconds(ackWait) === nanoseconds(backoff[0]),
  },
  start('optStartSeq', 'byStartSequence'),
  start('optStartTime', 'byStartTime'),
  {
    field: 'deliverPolicy',
    message: 'lastPerSubject needs filterSubject or filterSubjects',
    cel: "!has(self.deliverPolicy) || self.deliverPolicy != 'lastPerSubject' || has(self.filterSubject) || has(self.filterSubjects)",
    holds: ({ deliverPolicy, filterSubject, filterSubjects }) =>
      deliverPolicy !== 'lastPerSubject' || filterSubject !== undefined || filterSubjects !== undefined,
  },
  pushOnly('deliverGroup'),
  pushOnly('flowControl'),
  pushOnly('heartbeatInterval'),
  pushOnly('rateLimitBps'),
  pullOnly('maxWaiting'),
  pullOnly('maxRequestBatch'),
  pullOnly('maxRequestExpires'),
  pullOnly('maxRequestMaxBytes'),
  pullOnly('priorityGroups'),
  {
    field: 'flowControl',
    message: 'needs a heartbeatInterval above 0',
    cel: `!has(self.flowControl) || !self.flowControl || ${FLOW_CONTROL} || (has(self.heartbeatInterval) && duration(self.heartbeatInterval) > duration('0'))`,
    holds: ({ flowControl, heartbeatInterval, ackPolicy }) =>
      !flowControl || ackPolicy === 'flow_control' || nanoseconds(heartbeatInterval) > 0,
  },
  {
    field: 'ackPolicy',
    message:
      'flow_control needs deliverSubject, excludes ackWait, backoff, maxDeliver, flowControl: false and maxAckPending: -1, and its heartbeatInterval is 1s',
    cel: `!${FLOW_CONTROL} || (has(self.deliverSubject) && !has(self.ackWait) && !has(self.backoff) && !has(self.maxDeliver) && (!has(self.flowControl) || self.flowControl) && (!has(self.maxAckPending) || self.maxAckPending >= 0) && (!has(self.heartbeatInterval) || duration(self.heartbeatInterval) == duration('1s')))`,
    holds: (spec) =>
      spec.ackPolicy !== 'flow_control' ||
      (spec.deliverSubject !== undefined &&
        spec.ackWait === undefined &&
        spec.backoff === undefined &&
        spec.maxDeliver === undefined &&
        spec.flowControl !== false &&
        (spec.maxAckPending ?? 0) >= 0 &&
        (spec.heartbeatInterval === undefined || nanoseconds(spec.heartbeatInterval) === 1e9)),
  },
  {
    field: 'maxAckPending',
    message: 'a push consumer with ackPolicy: none has nothing pending; remove maxAckPending',
    cel: "!has(self.deliverSubject) || !has(self.ackPolicy) || self.ackPolicy != 'none' || !has(self.maxAckPending) || self.maxAckPending <= 0",
    holds: ({ deliverSubject, ackPolicy, maxAckPending = 0 }) =>
      deliverSubject === undefined || ackPolicy !== 'none' || maxAckPending <= 0,
  },
  {
    field: 'priorityGroups',
    message: 'priorityGroups and a priorityPolicy other than none go together',
    cel: "has(self.priorityGroups) == (has(self.priorityPolicy) && self.priorityPolicy != 'none')",
    holds: ({ priorityGroups, priorityPolicy = 'none' }) =>
      (priorityGroups !== undefined) === (priorityPolicy !== 'none'),
  },
  {
    field: 'pinnedTtl',
    message: 'goes with priorityPolicy: pinned_client, which needs one, and only with it',
    cel: "(has(self.priorityPolicy) && self.priorityPolicy == 'pinned_client') == (has(self.pinnedTtl) && duration(self.pinnedTtl) > duration('0'))",
    holds: ({ priorityPolicy, pinnedTtl }) =>
      (priorityPolicy === 'pinned_client') === nanoseconds(pinnedTtl) > 0,
  },
];

/** What JetStream can't change; it is refused at admission, before anything is tried. */
export const CONSUMER_TRANSITIONS: readonly TransitionRule<ConsumerSpec>[] = [
  immutable('streamName', undefined, `a consumer never changes its stream; ${AGAIN}`),
  immutable(
    'durableName',
    undefined,
    'the name of a consumer never changes; make another resource for another consumer',
  ),
  immutable('deliverPolicy', 'all', `deliverPolicy never changes; ${AGAIN}`),
  unchanged('optStartSeq', `optStartSeq never changes; ${AGAIN}`),
  unchanged('optStartTime', `optStartTime never changes; ${AGAIN}`),
  immutable('ackPolicy', 'explicit', `ackPolicy never changes; ${AGAIN}`),
  immutable('replayPolicy', 'instant', `replayPolicy never changes; ${AGAIN}`),
  immutable('memStorage', false, `memStorage never changes; ${AGAIN}`),
  immutable('flowControl', false, `flowControl never changes; ${AGAIN}`),
  unchanged('heartbeatInterval', `heartbeatInterval never changes; ${AGAIN}`),
  {
    field: 'maxWaiting',
    message: `maxWaiting never changes; ${AGAIN}`,
    cel: '(has(self.maxWaiting) ? self.maxWaiting : 512) == (has(oldSelf.maxWaiting) ? oldSelf.maxWaiting : 512)',
    holds: (spec, before) => (spec.maxWaiting ?? 512) === (before.maxWaiting ?? 512),
  },
  {
    field: 'deliverSubject',
    message: `a pull consumer does not become a push consumer, nor the other way round; ${AGAIN}`,
    cel: 'has(self.deliverSubject) == has(oldSelf.deliverSubject)',
    holds: (spec, before) => (spec.deliverSubject === undefined) === (before.deliverSubject === undefined),
  },
];
