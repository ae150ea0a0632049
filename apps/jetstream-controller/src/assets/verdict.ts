import type { Convergence } from '@headwater/jetstream-resources';
import { type Condition, conditionOf, setCondition } from '@headwater/kubernetes';

type Truth = Condition['status'];

/** How one pass found an object; what its conditions say follows from it. */
export interface Verdict {
  /** CamelCase, for machines. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
  readonly ready: Truth;
  /** Whether JetStream holds what is declared. */
  readonly synced: Truth;
  readonly connected: Truth;
  /** Fields of the spec in which JetStream differs and stays different. */
  readonly drifted: readonly string[];
  /** `stalled`: nothing changes until the spec or the server does. */
  readonly progress: 'done' | 'underway' | 'stalled';
}

const HOLDS = 'JetStream holds what is declared';

/** Before JetStream was asked at all. */
export const stalled = (reason: string, message: string): Verdict => ({
  reason,
  message,
  ready: 'False',
  synced: 'False',
  connected: 'Unknown',
  drifted: [],
  progress: 'stalled',
});

/** Something outside has to come first, and wakes the object when it has. */
export const waiting = (reason: string, message: string): Verdict => ({
  ...stalled(reason, message),
  synced: 'Unknown',
  progress: 'underway',
});

/** How things are can't be known until the server is back. */
export const disconnected = (reason: string, message: string): Verdict => ({
  ...waiting(reason, message),
  ready: 'Unknown',
  connected: 'False',
});

export const paused = (previous: readonly Condition[]): Verdict => ({
  reason: 'Paused',
  message: 'is left alone until the annotation jetstream.headwater.dev/paused is taken away',
  ready: conditionOf(previous, 'Ready')?.status ?? 'Unknown',
  synced: 'Unknown',
  connected: conditionOf(previous, 'Connected')?.status ?? 'Unknown',
  drifted: [],
  progress: 'done',
});

export function verdictOf({ outcome, reason, message, fields, terminal }: Convergence): Verdict {
  switch (outcome) {
    case 'unchanged':
    case 'created':
    case 'updated':
      return {
        reason: 'Synced',
        message: HOLDS,
        ready: 'True',
        synced: 'True',
        connected: 'True',
        drifted: [],
        progress: 'done',
      };
    case 'observed':
      // Not ours to change: it is there, and how it differs is told.
      return {
        reason: fields.length === 0 ? 'Synced' : reason,
        message: fields.length === 0 ? HOLDS : message,
        ready: 'True',
        synced: fields.length === 0 ? 'True' : 'False',
        connected: 'True',
        drifted: fields,
        progress: 'done',
      };
    case 'missing':
      return { ...stalled(reason, message), connected: 'True' };
    case 'waiting':
      return { ...waiting(reason, message), connected: 'True' };
    case 'refused':
      return {
        ...stalled(reason, message),
        connected: 'True',
        drifted: fields,
        progress: terminal ? 'stalled' : 'underway',
      };
  }
}

export interface ConditionContext {
  /** Generation of the spec that was looked at. */
  readonly generation: number;
  readonly now: Date;
  /** Says that a stream was made again and is empty; undefined when nothing is to be acknowledged. */
  readonly recreated?: string | undefined;
}

/**
 * Conditions by the conventions of Kubernetes (KEP-1623) and kstatus: Ready, Synced, Drifted and Connected always;
 * Reconciling, Stalled and Recreated only while they are true.
 */
export function conditionsBy(
  verdict: Verdict,
  previous: readonly Condition[],
  { generation, now, recreated }: ConditionContext,
): Condition[] {
  const { reason, message, drifted, progress } = verdict;
  const told: [type: string, status: Truth | undefined, reason: string, message: string][] = [
    ['Ready', verdict.ready, reason, message],
    ['Synced', verdict.synced, reason, message],
    [
      'Drifted',
      drifted.length > 0 ? 'True' : 'False',
      drifted.length > 0 ? 'FieldsDiffer' : 'NoDifference',
      drifted.length > 0 ? `differs in ${drifted.join(', ')}` : '',
    ],
    [
      'Connected',
      verdict.connected,
      CONNECTED_REASON[verdict.connected],
      verdict.connected === 'False' ? message : '',
    ],
    ['Reconciling', progress === 'underway' ? 'True' : undefined, reason, message],
    ['Stalled', progress === 'stalled' ? 'True' : undefined, reason, message],
    ['Recreated', recreated === undefined ? undefined : 'True', 'StreamRecreated', recreated ?? ''],
  ];
  return told.flatMap(([type, status, why, sentence]) => {
    if (status === undefined) return [];
    const condition = { type, status, reason: why, message: sentence, observedGeneration: generation };
    return setCondition(
      previous.filter((known) => known.type === type),
      condition,
      now,
    );
  });
}

const CONNECTED_REASON: Record<Truth, string> = {
  True: 'Connected',
  False: 'Disconnected',
  Unknown: 'NotAsked',
};
