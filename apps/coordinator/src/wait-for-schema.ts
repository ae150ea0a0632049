import type { Pool } from 'pg';
import { Dependency } from '@headwater/platform';
import { isMigrated, pause } from '@headwater/sql';
import { COORDINATOR_MIGRATIONS } from './migrations';

/** Waits, alive and not ready, until the migrations have run. */
export async function waitForSchema(pool: Pool, dependency: Dependency, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      if (await isMigrated(pool, COORDINATOR_MIGRATIONS)) return;
      dependency.down('the migrations have not run yet');
    } catch (error) {
      dependency.down(error instanceof Error ? error.message : String(error));
    }
    await pause(500, signal);
  }
}
