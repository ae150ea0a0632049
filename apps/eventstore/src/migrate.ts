import { z } from 'zod';
import { EVENTSTORE_MIGRATIONS } from '@headwater/eventstore';
import { ConfigError, databaseUrl, readConfig } from '@headwater/platform';
import { isUnavailable, migrateDatabase, MigrationRefused } from '@headwater/sql';

async function main(): Promise<void> {
  const { HEADWATER_DATABASE_URL: url } = readConfig(z.object({ HEADWATER_DATABASE_URL: databaseUrl }));
  const ran = await migrateDatabase(url, EVENTSTORE_MIGRATIONS, (line) => process.stdout.write(`${line}\n`));
  process.stdout.write(
    ran.length === 0 ? 'event store: up to date\n' : `event store: ${ran.length} migrations ran\n`,
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`event store: ${sentence(error)}\n`);
  process.exit(1);
});

function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ConfigError || error instanceof MigrationRefused) return error.message;
  if (isUnavailable(error)) return `the database can't be reached: ${error.message || String(error.cause)}`;
  return error.stack ?? error.message;
}
