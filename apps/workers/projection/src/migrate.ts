import { z } from 'zod';
import { ORDER_READ_MODEL_MIGRATIONS } from '@headwater/order-read-model';
import { ConfigError, databaseUrl, readConfig } from '@headwater/platform';
import { migrateDatabase } from '@headwater/sql';

async function main(): Promise<void> {
  const { HEADWATER_DATABASE_URL: url } = readConfig(z.object({ HEADWATER_DATABASE_URL: databaseUrl }));
  const ran = await migrateDatabase(url, ORDER_READ_MODEL_MIGRATIONS, (line) =>
    process.stdout.write(`${line}\n`),
  );
  process.stdout.write(
    ran.length === 0 ? 'order read model: up to date\n' : `order read model: ${ran.length} migrations ran\n`,
  );
}

main().catch((error: unknown) => {
  const { message, stack } = error as Error;
  process.stderr.write(`order read model: ${error instanceof ConfigError ? message : stack}\n`);
  process.exit(1);
});
