import type { Pool } from 'pg';
import { RecordedEvent } from '@headwater/contracts';
import { CoordinatorPolicy } from '@headwater/order-domain';
import { inTransaction } from '@headwater/sql';
import { changesOf } from './deadline-changes';
import { removeAllDeadlines, removeDeadlines, saveDeadlines } from './deadline-rows';
import { advanceProgress, resetProgress } from './progress';

/**
 * Brings the deadlines up to the last of these events; rows and checkpoint in one transaction.
 *
 * @param events position checkpoint + 1, checkpoint + 2, … without a gap
 * @param epoch of the lease; a newer holder's refuses the transaction
 * @returns the new checkpoint
 * @throws CheckpointLost, or whatever SQL failed with
 */
export async function recordDeadlines(
  pool: Pool,
  checkpoint: number,
  events: readonly RecordedEvent[],
  { epoch, policy }: { epoch: number; policy: CoordinatorPolicy },
): Promise<number> {
  const reached = events.at(-1)?.position ?? checkpoint;
  const { begun, ended } = changesOf(events, policy);
  await inTransaction(pool, async (client) => {
    await removeDeadlines(client, ended);
    await saveDeadlines(client, begun);
    await advanceProgress(client, checkpoint, reached, epoch);
  });
  return reached;
}

/** Throws every deadline away and lets whoever holds the lease make them anew from the log. */
export async function rebuildDeadlines(pool: Pool): Promise<void> {
  await inTransaction(pool, async (client) => {
    await resetProgress(client);
    await removeAllDeadlines(client);
  });
}
