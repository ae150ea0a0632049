import type { Pool } from 'pg';
import { Dependency, messageOf } from '@headwater/platform';
import { isMigrated } from '@headwater/sql';
import { PAYMENT_MIGRATIONS } from './migrations';

/** Tells readiness whether the ledger is there and migrated; ends with the returned function. */
export function watchLedger(pool: Pool, dependency: Dependency, everyMs = 2_000): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    try {
      if (await isMigrated(pool, PAYMENT_MIGRATIONS)) dependency.up();
      else dependency.down('the migrations have not run yet');
    } catch (error) {
      dependency.down(messageOf(error));
    }
    if (!stopped) timer = setTimeout(() => void look(), everyMs);
  };
  const first = look();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await first;
  };
}
