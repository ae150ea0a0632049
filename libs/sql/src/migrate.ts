import { createHash, randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { createPool, Queryable } from './pool';
import { sqlState } from './errors';
import { whileHolding } from './row-lease';

/** One statement. It must be repeatable (`IF NOT EXISTS`): a crash between it and its record runs it again. */
export interface Migration {
  /** `0001-logs`: unique within its owner; they run in the order of the list. */
  name: string;
  sql: string;
}

export interface MigrationPlan {
  /** Whose tables these are; owners may share a database. */
  owner: string;
  migrations: readonly Migration[];
}

/** A migration that has run is not what it was, or the database is ahead of this program. */
export class MigrationRefused extends Error {
  override readonly name = 'MigrationRefused';
}

/** Brings a database up to date over a connection of its own without a statement timeout. Returns the names that ran. */
export async function migrateDatabase(
  url: string,
  plan: MigrationPlan,
  log?: (line: string) => void,
): Promise<string[]> {
  const pool = createPool({
    url,
    applicationName: `headwater-migrate-${plan.owner}`,
    max: 2,
    statementTimeoutMs: 0,
    lockTimeoutMs: 30_000,
  });
  try {
    return await migrate(pool, plan, log);
  } finally {
    await pool.end();
  }
}

/**
 * Runs what has not run yet, one statement per transaction, one runner at a time (a row lease: CockroachDB has no
 * advisory locks). Returns the names that ran.
 *
 * @throws MigrationRefused
 */
export async function migrate(
  pool: Pool,
  plan: MigrationPlan,
  log?: (line: string) => void,
): Promise<string[]> {
  check(plan);
  await prepare(pool, plan.owner);
  if ((await pending(pool, plan)).length === 0) return [];
  const done: string[] = [];
  const row = { table: 'headwater_migration_leases', keyColumn: 'owner', key: plan.owner };
  await whileHolding(pool, row, { holder: randomUUID(), ttlMs: 15_000, pollMs: 200 }, async (_, signal) => {
    for (const migration of await pending(pool, plan)) {
      signal.throwIfAborted();
      log?.(`${plan.owner}: ${migration.name}`);
      await pool.query(migration.sql);
      await pool.query(
        'INSERT INTO headwater_migrations (owner, name, checksum) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
        [plan.owner, migration.name, checksum(migration)],
      );
      done.push(migration.name);
    }
  });
  return done;
}

/** Whether every migration of the plan has run here; throws MigrationRefused when one has been changed. */
export async function isMigrated(client: Queryable, plan: MigrationPlan): Promise<boolean> {
  try {
    return (await pending(client, plan)).length === 0;
  } catch (error) {
    if (sqlState(error) === UNDEFINED_TABLE) return false;
    throw error;
  }
}

const UNDEFINED_TABLE = '42P01';

function check(plan: MigrationPlan): void {
  const names = new Set(plan.migrations.map(({ name }) => name));
  if (names.size !== plan.migrations.length) throw new Error(`${plan.owner}: two migrations have one name`);
}

async function prepare(pool: Pool, owner: string): Promise<void> {
  await createTable(
    pool,
    `CREATE TABLE IF NOT EXISTS headwater_migrations (
       owner text NOT NULL,
       name text NOT NULL,
       checksum text NOT NULL,
       applied_at timestamptz NOT NULL DEFAULT now(),
       PRIMARY KEY (owner, name)
     )`,
  );
  await createTable(
    pool,
    `CREATE TABLE IF NOT EXISTS headwater_migration_leases (
       owner text PRIMARY KEY,
       holder text,
       epoch int8 NOT NULL DEFAULT 0,
       until timestamptz
     )`,
  );
  await pool.query('INSERT INTO headwater_migration_leases (owner) VALUES ($1) ON CONFLICT DO NOTHING', [
    owner,
  ]);
}

/** What PostgreSQL's IF NOT EXISTS answers when another session creates the same table meanwhile. */
const CREATED_MEANWHILE = new Set(['23505', '42P07', '42710']);

async function createTable(pool: Pool, sql: string): Promise<void> {
  try {
    await pool.query(sql);
  } catch (error) {
    if (!CREATED_MEANWHILE.has(sqlState(error) ?? '')) throw error;
    await pool.query(sql);
  }
}

async function pending(client: Queryable, plan: MigrationPlan): Promise<Migration[]> {
  const { rows } = await client.query<{ name: string; checksum: string }>(
    'SELECT name, checksum FROM headwater_migrations WHERE owner = $1',
    [plan.owner],
  );
  const applied = new Map(rows.map(({ name, checksum: sum }) => [name, sum]));
  const left: Migration[] = [];
  for (const migration of plan.migrations) {
    const sum = applied.get(migration.name);
    if (sum === undefined) left.push(migration);
    else if (sum !== checksum(migration)) {
      throw new MigrationRefused(
        `${plan.owner}: the migration ${migration.name} has been changed after it ran here; add a new one instead`,
      );
    }
    applied.delete(migration.name);
  }
  const [unknown] = applied.keys();
  if (unknown !== undefined && left.length > 0) {
    throw new MigrationRefused(
      `${plan.owner}: the database has the migration ${unknown}, which this program does not know; it is newer`,
    );
  }
  return left;
}

/** Layout may change, words may not. */
const checksum = ({ sql }: Migration): string =>
  createHash('sha256').update(sql.replace(/\s+/g, ' ').trim()).digest('hex');
