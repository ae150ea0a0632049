import type { Pool } from 'pg';
import { RecordedEvent } from '@headwater/contracts';
import { adviceOn } from '@headwater/eventstore-client';
import { Verdict } from '@headwater/nest-jetstream';
import { messageOf } from '@headwater/platform';
import { isUnavailable } from '@headwater/sql';
import { changesOf } from './deadline-changes';
import { saveDeadlines } from './deadline-rows';
import { DecideOptions, decideOrder, OrderStore } from './decide-order';
import { isTerminal } from './fire-deadlines';

/**
 * Decides at once about an order of which no decision could be made before, and which a person has sent here again.
 *
 * @param event what began the wait whose deadline was parked
 */
export async function decideRedriven(
  store: OrderStore,
  pool: Pool,
  event: RecordedEvent,
  options: DecideOptions,
): Promise<void> {
  for (const deadline of changesOf([event], options.policy).begun) {
    const outcome = await decideOrder(store, deadline, options);
    if (outcome !== 'over' && 'laterAt' in outcome)
      await saveDeadlines(pool, [{ ...deadline, dueAt: outcome.laterAt }]);
  }
}

/** What an error means for a redriven message. */
export function classify(error: unknown): Verdict | undefined {
  if (isTerminal(error)) return { kind: 'terminal' };
  if (adviceOn(error) === 'wait')
    return { kind: 'unavailable', dependency: 'event store', reason: messageOf(error) };
  if (isUnavailable(error))
    return { kind: 'unavailable', dependency: "coordinator's database", reason: messageOf(error) };
  return undefined;
}
