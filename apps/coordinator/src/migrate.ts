import { ConfigError, databaseUrl, readConfig } from '@headwater/platform';
import { migrateDatabase } from '@headwater/sql';
import { z } from 'zod';
import { COORDINATOR_MIGRATIONS } from './migrations';

async function main(): Promise<void> {
  const { HEADWATER_DATABASE_URL: url } = readConfig(z.object({ HEADWATER_DATABASE_URL: databaseUrl }));
  const ran = await migrateDatabase(url, COORDINATOR_MIGRATIONS, (line) => process.stdout.write(`${line}\n`));
  process.stdout.write(
    ran.length === 0 ? 'coordinator: up to date\n' : `coordinator: ${ran.length} migrations ran\n`,
  );
}

main().catch((error: unknown) => {
  const { message, stack } = error as Error;
  process.stderr.write(`coordinator: ${error instanceof ConfigError ? message : stack}\n`);
  process.exit(1);
});
