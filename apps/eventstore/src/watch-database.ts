import { Pool } from 'pg';
import { declareLogs, EVENTSTORE_MIGRATIONS } from '@headwater/eventstore';
import { isMigrated } from '@headwater/sql';

/** What is told of the database; readiness and gRPC's health follow it. */
export interface DatabaseWatcher {
  up(): void;
  down(reason: string): void;
}

/**
 * Looks at the database every `everyMs`, for ever. Once it is there and migrated, the declared logs are made.
 *
 * @returns how to stop that
 */
export function watchDatabase(
  pool: Pool,
  logs: readonly string[],
  watcher: DatabaseWatcher,
  everyMs = 1_000,
): () => Promise<void> {
  let declared = false;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    try {
      if (declared) await pool.query('SELECT 1');
      else if (await isMigrated(pool, EVENTSTORE_MIGRATIONS)) {
        await declareLogs(pool, logs);
        declared = true;
      }
      if (declared) watcher.up();
      else watcher.down('the migrations have not run yet');
    } catch (error) {
      watcher.down(error instanceof Error && error.message !== '' ? error.message : String(error));
    }
    if (!stopped) timer = setTimeout(() => (looking = look()), everyMs);
  };
  let looking = look();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await looking;
  };
}
