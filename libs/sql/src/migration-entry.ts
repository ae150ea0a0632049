import { isUnavailable } from './errors';
import { migrateDatabase, MigrationPlan, MigrationRefused } from './migrate';

/**
 * The whole of a migrate entry point: brings one owner's database up to date, says what ran, and ends the process with 1
 * and a sentence when it can't.
 *
 * @param title the owner's name in what is printed
 * @param readUrl finds the database's address; the message of what it throws is printed as it is
 */
export function runMigrations(title: string, plan: MigrationPlan, readUrl: () => string): void {
  migrateAndTell(title, plan, readUrl).catch((error: unknown) => fail(title, sentence(error)));
}

async function migrateAndTell(title: string, plan: MigrationPlan, readUrl: () => string): Promise<void> {
  let url: string;
  try {
    url = readUrl();
  } catch (error) {
    return fail(title, error instanceof Error ? error.message : String(error));
  }
  const ran = await migrateDatabase(url, plan, (line) => process.stdout.write(`${line}\n`));
  process.stdout.write(
    ran.length === 0 ? `${title}: up to date\n` : `${title}: ${ran.length} migrations ran\n`,
  );
}

function fail(title: string, why: string): never {
  process.stderr.write(`${title}: ${why}\n`);
  process.exit(1);
}

function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof MigrationRefused) return error.message;
  if (isUnavailable(error)) return `the database can't be reached: ${error.message || String(error.cause)}`;
  return error.stack ?? error.message;
}
