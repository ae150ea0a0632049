import { Client } from 'pg';
import { Secrets } from './secrets';

/** One database an owner, one SQL user a process; readers see what the owner's migrations make. */
const DATABASES = [
  { database: 'eventstore', owner: 'eventstore', readers: [] },
  { database: 'order_read_model', owner: 'projection', readers: ['order_api'] },
  { database: 'coordinator', owner: 'coordinator', readers: [] },
  { database: 'payments', owner: 'payment_simulator', readers: [] },
] as const;

export type SqlUser = (typeof DATABASES)[number]['owner'] | (typeof DATABASES)[number]['readers'][number];

/** Makes databases and users that are not there yet; returns each user's file with its connection address. */
export async function prepareDatabases(port: number, secrets: Secrets): Promise<Record<SqlUser, string>> {
  const address = (user: string, password: string, database: string): string =>
    `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
  const superuser = await secrets.password('sql-postgres');
  const files: [string, string][] = [];

  const admin = new Client({ connectionString: address('postgres', superuser, 'postgres') });
  await admin.connect();
  try {
    for (const { database, owner, readers } of DATABASES) {
      for (const user of [owner, ...readers]) {
        const password = await secrets.password(`sql-${user}`);
        await ensureRole(admin, user, password);
        files.push([user, await secrets.write(`sql-${user}.url`, address(user, password, database))]);
      }
      const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
      if (rowCount === 0) await admin.query(`CREATE DATABASE ${database} OWNER ${owner}`);
      await admin.query(`REVOKE CONNECT ON DATABASE ${database} FROM PUBLIC`);
      for (const reader of readers) await admin.query(`GRANT CONNECT ON DATABASE ${database} TO ${reader}`);
    }
  } finally {
    await admin.end();
  }

  for (const { database, owner, readers } of DATABASES) {
    if (readers.length === 0) continue;
    const own = new Client({
      connectionString: address(owner, await secrets.password(`sql-${owner}`), database),
    });
    await own.connect();
    try {
      for (const reader of readers) {
        await own.query(`ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ${reader}`);
      }
    } finally {
      await own.end();
    }
  }
  return Object.fromEntries(files) as Record<SqlUser, string>;
}

/** Names come from the table above and passwords are base64url, so neither needs quoting rules of its own. */
async function ensureRole(admin: Client, user: string, password: string): Promise<void> {
  const { rowCount } = await admin.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [user]);
  await admin.query(`${rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${user} LOGIN PASSWORD '${password}'`);
}
