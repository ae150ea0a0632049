import { ConfigError, readDatabaseUrl } from '@headwater/platform';
import { createPool } from '@headwater/sql';
import { rebuildDeadlines } from './record-deadlines';

/** Throws the deadlines away; the running coordinator makes them anew from the log, and fires nothing until it has. */
async function main(): Promise<void> {
  const url = readDatabaseUrl();
  const pool = createPool({ url, applicationName: 'coordinator-rebuild', max: 1 });
  try {
    await rebuildDeadlines(pool);
  } finally {
    await pool.end();
  }
  process.stdout.write('coordinator: the deadlines are made anew from the log\n');
}

main().catch((error: unknown) => {
  const { message, stack } = error as Error;
  process.stderr.write(`coordinator: ${error instanceof ConfigError ? message : stack}\n`);
  process.exit(1);
});
