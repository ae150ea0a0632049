import { AppendedEvent, ExpectedVersion } from '@headwater/contracts';
import { EventIdClash, VersionConflict } from './errors';
import { AppendOutcome, PreparedAppend, PreparedEvent } from './request';

/** What a batch needs to know of an event that is stored already, or was accepted earlier in the batch. */
export interface KnownEvent {
  log: string;
  position: number;
  version: number;
  digest: string;
}

export interface BatchState {
  /** The log's position before the batch. */
  head: number;
  /** Stored events that have an id of the batch. */
  known: ReadonlyMap<string, KnownEvent>;
  /** Versions of the batch's aggregates; absent: no events yet. */
  versions: ReadonlyMap<string, number>;
}

export interface EventToStore extends PreparedEvent {
  position: number;
  aggregateId: string;
  aggregateType: string;
  version: number;
}

export interface BatchDecision {
  /** One for each append, in order. */
  outcomes: AppendOutcome[];
  events: EventToStore[];
  /** New versions, with the aggregate's type, by aggregate id. */
  heads: Map<string, { aggregateType: string; version: number }>;
}

/**
 * Decides the appends of one log in the order of their arrival, each seeing the ones before it: repeated (the same
 * events are stored: their first result, before any look at versions), clash, conflict, or accepted.
 */
export function decideBatch(appends: readonly PreparedAppend[], state: BatchState): BatchDecision {
  const decision: BatchDecision = { outcomes: [], events: [], heads: new Map() };
  const known = new Map(state.known);
  for (const append of appends) {
    const outcome = repeatedOrClash(append, known) ?? conflict(append, state, decision);
    decision.outcomes.push(outcome ?? accept(append, state, known, decision));
  }
  return decision;
}

function repeatedOrClash(
  append: PreparedAppend,
  known: ReadonlyMap<string, KnownEvent>,
): AppendOutcome | undefined {
  const found: AppendedEvent[] = [];
  let clash: EventIdClash | undefined;
  for (const { events } of append.aggregates) {
    for (const { eventId, digest } of events) {
      const stored = known.get(eventId);
      if (!stored) continue;
      if (stored.digest !== digest)
        return new EventIdClash(eventId, stored.log, stored.position, 'with other content');
      clash ??= new EventIdClash(eventId, stored.log, stored.position, 'without the rest of this append');
      found.push({ eventId, position: stored.position, version: stored.version });
    }
  }
  if (found.length === append.count) return { events: found, repeated: true };
  return clash;
}

function conflict(
  append: PreparedAppend,
  state: BatchState,
  decision: BatchDecision,
): VersionConflict | undefined {
  for (const { aggregateId, expected } of append.aggregates) {
    const actual = versionOf(aggregateId, state, decision);
    if (!fits(expected, actual)) return new VersionConflict(aggregateId, String(expected), actual);
  }
  return undefined;
}

function versionOf(aggregateId: string, state: BatchState, decision: BatchDecision): number {
  return decision.heads.get(aggregateId)?.version ?? state.versions.get(aggregateId) ?? 0;
}

function fits(expected: ExpectedVersion, actual: number): boolean {
  switch (expected) {
    case 'any':
      return true;
    case 'no_stream':
      return actual === 0;
    case 'exists':
      return actual > 0;
    default:
      return actual === expected;
  }
}

function accept(
  append: PreparedAppend,
  state: BatchState,
  known: Map<string, KnownEvent>,
  decision: BatchDecision,
): AppendOutcome {
  const stored: AppendedEvent[] = [];
  for (const { aggregateId, aggregateType, events } of append.aggregates) {
    let version = versionOf(aggregateId, state, decision);
    for (const event of events) {
      const position = state.head + decision.events.length + 1;
      version++;
      decision.events.push({ ...event, position, aggregateId, aggregateType, version });
      known.set(event.eventId, { log: append.log, position, version, digest: event.digest });
      stored.push({ eventId: event.eventId, position, version });
    }
    decision.heads.set(aggregateId, { aggregateType, version });
  }
  return { events: stored, repeated: false };
}
