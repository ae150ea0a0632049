import { CODE, JetStreamRefusal } from './jetstream-refusal';
import { Desired } from './manifest';

/** Why the server refuses, for a condition. */
export interface RefusalReason {
  readonly reason:
    | 'SubjectsOverlap'
    | 'InUse'
    | 'NoPeers'
    | 'LimitReached'
    | 'ServerRefused'
    | 'Unsupported'
    | 'Unavailable'
    | 'MoveInProgress'
    | 'StreamNotReady';
  /** Spec paths that the server's words are about. */
  readonly fields: readonly string[];
  /** Retrying without a change of the spec or on the server is pointless. */
  readonly terminal: boolean;
}

const BY_CODE: Readonly<Record<number, Omit<RefusalReason, 'fields'> & { fields?: readonly string[] }>> = {
  [CODE.subjectsOverlap]: { reason: 'SubjectsOverlap', terminal: true, fields: ['spec.subjects'] },
  [CODE.streamNameInUse]: { reason: 'InUse', terminal: false },
  [CODE.consumerNameInUse]: { reason: 'InUse', terminal: false },
  [CODE.consumerExists]: { reason: 'InUse', terminal: false },
  [CODE.noPeers]: { reason: 'NoPeers', terminal: false },
  [CODE.replicasNotSupported]: { reason: 'NoPeers', terminal: true, fields: ['spec.replicas'] },
  [CODE.accountResources]: { reason: 'LimitReached', terminal: false },
  [CODE.insufficientResources]: { reason: 'LimitReached', terminal: false },
  [CODE.memoryExceeded]: { reason: 'LimitReached', terminal: false },
  [CODE.storageExceeded]: { reason: 'LimitReached', terminal: false },
  [CODE.maximumConsumers]: { reason: 'LimitReached', terminal: false },
  [CODE.maximumStreams]: { reason: 'LimitReached', terminal: false },
  [CODE.notAvailable]: { reason: 'Unavailable', terminal: false, fields: [] },
  [CODE.notLeader]: { reason: 'Unavailable', terminal: false, fields: [] },
  [CODE.notEnabled]: { reason: 'Unavailable', terminal: false, fields: [] },
  [CODE.notEnabledForAccount]: { reason: 'Unavailable', terminal: false, fields: [] },
  [CODE.streamOffline]: { reason: 'Unavailable', terminal: false, fields: [] },
  [CODE.consumerOffline]: { reason: 'Unavailable', terminal: false, fields: [] },
  [CODE.moveInProgress]: { reason: 'MoveInProgress', terminal: false },
  [CODE.reconfigureInProgress]: { reason: 'MoveInProgress', terminal: false },
  [CODE.streamNotFound]: { reason: 'StreamNotReady', terminal: false, fields: ['spec.streamName'] },
  [CODE.apiLevel]: { reason: 'Unsupported', terminal: true },
};

/** Words by which the server names a field, more telling ones first. */
const WORDS: readonly [RegExp, string][] = [
  [/violates consumers/, 'consumerLimits'],
  [/duplicates? (window|message)/, 'duplicateWindow'],
  [/max age/, 'maxAge'],
  [/persist/, 'persistMode'],
  [/counter/, 'allowMsgCounter'],
  [/schedul/, 'allowMsgSchedules'],
  [/delete marker/, 'subjectDeleteMarkerTtl'],
  [/message TTL/, 'allowMsgTtl'],
  [/republish/, 'republish'],
  [/roll-?up/, 'allowRollup'],
  [/mirror/, 'mirror'],
  [/\bsource|detected cycle|external/, 'sources'],
  [/transform/, 'subjectTransform'],
  [/discard new per subject/, 'discardPerSubject'],
  [/discard/, 'discard'],
  [/retention|workqueue/, 'retention'],
  [/storage/, 'storage'],
  [/seal/, 'sealed'],
  [/deny purge/, 'denyPurge'],
  [/deny message delete/, 'denyDelete'],
  [/no suitable peers|placement|tags/, 'placement'],
  [/replica/i, 'replicas'],
  [/max(imum)? bytes|max stream bytes/, 'maxBytes'],
  [/message size/, 'maxMsgSize'],
  [/filter/i, 'filterSubjects'],
  [/filter/i, 'filterSubject'],
  [/deliver policy|deliver all/, 'deliverPolicy'],
  [/start sequence/, 'optStartSeq'],
  [/start time/, 'optStartTime'],
  [/replay/, 'replayPolicy'],
  [/flow control/, 'flowControl'],
  [/heart ?beat/, 'heartbeatInterval'],
  [/deliver subject|deliver(ing)? to|pull|push/, 'deliverSubject'],
  [/max waiting/, 'maxWaiting'],
  [/backoff/i, 'backoff'],
  [/max deliver/, 'maxDeliver'],
  [/ack ?pending/, 'maxAckPending'],
  [/ack ?wait/, 'ackWait'],
  [/ack/, 'ackPolicy'],
  [/inactive threshold/, 'inactiveThreshold'],
  [/sampl/, 'sampleFreq'],
  [/pinned/i, 'pinnedTtl'],
  [/group/i, 'priorityGroups'],
  [/rate limit/, 'rateLimitBps'],
  [/request batch/, 'maxRequestBatch'],
  [/request expires/, 'maxRequestExpires'],
  [/metadata/, 'metadata'],
  [/description/, 'description'],
  [/subject|non-filtered/, 'subjects'],
];

/**
 * What a refusal means.
 *
 * @param changed the fields that were to be written; named when the server's words fit none of the spec's fields
 */
export function refusalReason(
  { code, description }: JetStreamRefusal,
  desired: Desired,
  changed: readonly string[],
): RefusalReason {
  const known = BY_CODE[code] ?? { reason: 'ServerRefused', terminal: code < 500 || code >= 10_000 };
  return {
    reason: known.reason,
    terminal: known.terminal,
    fields: known.fields ?? namedIn(description, desired, changed),
  };
}

function namedIn(
  description: string,
  { fields, config }: Desired,
  changed: readonly string[],
): readonly string[] {
  const mine = new Map(fields.map(({ field, server }) => [field, server]));
  const named = WORDS.flatMap(([words, name]) => {
    const field = `spec.${name}`;
    return words.test(description) && mine.has(field) ? [field] : [];
  });
  // What was just written is meant rather than what has been there all the time.
  const meant = named.filter((field) => changed.includes(field));
  if (meant.length > 0) return meant.slice(0, 1);
  const given = named.filter((field) => (mine.get(field) ?? '') in config);
  if (given.length > 0) return given.slice(0, 1);
  return named.length > 0 ? named.slice(0, 1) : changed;
}
