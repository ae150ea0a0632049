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

export const SQL_USERS: readonly SqlUser[] = DATABASES.flatMap(({ owner, readers }) => [owner, ...readers]);

/** A PostgreSQL server on which databases and users may be made. */
export interface DatabaseServer {
  host: string;
  port: number;
  /** Password of `postgres`. */
  superuserPassword: string;
}

/** The connection address of a user of the platform, to its one database. */
export function addressOf(
  { host, port }: Pick<DatabaseServer, 'host' | 'port'>,
  user: SqlUser,
  password: string,
): string {
  const known = DATABASES.find(({ owner, readers }) => [owner, ...readers].includes(user));
  if (!known) throw new Error(`there is no database of ${user}`);
  return address(host, port, user, password, known.database);
}

const address = (host: string, port: number, user: string, password: string, database: string): string =>
  `postgres://${user}:${password}@${host}:${port}/${database}`;

/**
 * Makes databases and users that are not there yet.
 *
 * @param routes further ports at which the server can be reached, through proxies
 * @returns finds the file with a user's connection address to the server at one of these ports
 */
export async function prepareDatabases(
  port: number,
  secrets: Secrets,
  routes: readonly number[] = [],
): Promise<(user: SqlUser, port: number) => string> {
  const passwords = await passwordsOf((user) => secrets.password(`sql-${user}`));
  const server = { host: '127.0.0.1', port, superuserPassword: await secrets.password('sql-postgres') };
  await createDatabases(server, passwords);
  const fileName = (user: SqlUser, at: number): string =>
    at === port ? `sql-${user}.url` : `sql-${user}-${at}.url`;
  for (const at of new Set([port, ...routes])) {
    for (const user of SQL_USERS)
      await secrets.write(fileName(user, at), addressOf({ ...server, port: at }, user, passwords[user]));
  }
  return (user, at) => secrets.file(fileName(user, at));
}

async function passwordsOf(passwordOf: (user: SqlUser) => Promise<string>): Promise<Record<SqlUser, string>> {
  const pairs: [SqlUser, string][] = [];
  for (const user of SQL_USERS) pairs.push([user, await passwordOf(user)]);
  return Object.fromEntries(pairs) as Record<SqlUser, string>;
}

/**
 * Makes the platform's databases and users where they are not there yet, gives the users these passwords, and lets readers
 * see what the owners' migrations will make. May be run again.
 */
export async function createDatabases(
  server: DatabaseServer,
  passwords: Readonly<Record<SqlUser, string>>,
): Promise<void> {
  const { host, port, superuserPassword } = server;
  await withClient(address(host, port, 'postgres', superuserPassword, 'postgres'), async (admin) => {
    for (const { database, owner, readers } of DATABASES) {
      for (const user of [owner, ...readers]) await ensureRole(admin, user, passwords[user]);
      const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
      if (rowCount === 0) await admin.query(`CREATE DATABASE ${database} OWNER ${owner}`);
      await admin.query(`REVOKE CONNECT ON DATABASE ${database} FROM PUBLIC`);
      for (const reader of readers) await admin.query(`GRANT CONNECT ON DATABASE ${database} TO ${reader}`);
    }
  });
  for (const { database, owner, readers } of DATABASES) {
    if (readers.length === 0) continue;
    await withClient(address(host, port, owner, passwords[owner], database), async (own) => {
      for (const reader of readers)
        await own.query(`ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ${reader}`);
    });
  }
}

async function withClient(connectionString: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** Names come from the table above and passwords are base64url, so neither needs quoting rules of its own. */
async function ensureRole(admin: Client, user: string, password: string): Promise<void> {
  const { rowCount } = await admin.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [user]);
  await admin.query(`${rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${user} LOGIN PASSWORD '${password}'`);
}
