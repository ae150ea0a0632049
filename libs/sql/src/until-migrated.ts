import { pause } from './backoff';
import { isMigrated, MigrationPlan } from './migrate';
import { Queryable } from './pool';

/**
 * Resolves once every migration of the plan has run, or the signal is aborted.
 *
 * @param waiting told twice a second what is still waited for
 */
export async function untilMigrated(
  client: Queryable,
  plan: MigrationPlan,
  waiting: (reason: string) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      if (await isMigrated(client, plan)) return;
      waiting('the migrations have not run yet');
    } catch (error) {
      waiting(error instanceof Error ? error.message : String(error));
    }
    await pause(500, signal);
  }
}
