export type ConditionStatus = 'True' | 'False' | 'Unknown';

/** A condition of a status, as KEP-1623 standardises it. */
export interface Condition {
  type: string;
  status: ConditionStatus;
  /** One word in CamelCase, for programs. */
  reason: string;
  /** A sentence, for people. */
  message: string;
  /** The generation of the spec that this was found for. */
  observedGeneration?: number;
  /** RFC 3339 in whole seconds: when `status` changed last. */
  lastTransitionTime: string;
}

/**
 * The list with one condition set; the very same list when nothing differs, so that callers can compare by identity.
 * `lastTransitionTime` moves only when the status changes. Order is kept, a new condition goes to the end.
 */
export function setCondition(
  list: readonly Condition[],
  condition: Omit<Condition, 'lastTransitionTime'>,
  now: Date,
): readonly Condition[] {
  const at = list.findIndex((each) => each.type === condition.type);
  const before = list[at];
  if (before === undefined) return [...list, { ...condition, lastTransitionTime: wholeSeconds(now) }];
  const unchanged =
    before.status === condition.status &&
    before.reason === condition.reason &&
    before.message === condition.message &&
    before.observedGeneration === condition.observedGeneration;
  if (unchanged) return list;
  const lastTransitionTime =
    before.status === condition.status ? before.lastTransitionTime : wholeSeconds(now);
  return list.map((each, index) => (index === at ? { ...condition, lastTransitionTime } : each));
}

/** The list without conditions of a type; the very same list when it has none. */
export function removeCondition(list: readonly Condition[], type: string): readonly Condition[] {
  return list.some((each) => each.type === type) ? list.filter((each) => each.type !== type) : list;
}

export function conditionOf(list: readonly Condition[], type: string): Condition | undefined {
  return list.find((each) => each.type === type);
}

/** True when the condition is there with status True and, if a generation is given, was found for that one or a later. */
export function isTrue(list: readonly Condition[], type: string, generation?: number): boolean {
  const found = conditionOf(list, type);
  if (found?.status !== 'True') return false;
  return generation === undefined || (found.observedGeneration ?? 0) >= generation;
}

/** The API's times have whole seconds; a fraction would never read back as written. */
export function wholeSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
