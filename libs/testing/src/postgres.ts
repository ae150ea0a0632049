import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { ManagedProcess, preparePostgres, removePostgresData } from '@headwater/embedded';
import { eventually } from './eventually';
import { reservePort } from './ports';

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** An empty database in the run's PostgreSQL. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const admin = process.env['HEADWATER_TEST_POSTGRES_URL'];
  if (!admin) throw new Error('no PostgreSQL: is the file named *.int.spec.ts?');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await execute(admin, `CREATE DATABASE ${name}`);
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return { url: url.toString(), drop: () => execute(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

export async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

export interface TestPostgres {
  url: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A PostgreSQL of the test's own, durable, to be killed and started again. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-pg-'));
  const { port, release } = await reservePort();
  const prepared = await preparePostgres({ dataDir: join(folder, 'postgres'), port });
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  let server = ManagedProcess.start(prepared.spec);
  await waitForPostgres(url, server);
  return {
    url,
    kill: () => server.kill(),
    restart: async () => {
      await eventually(async () => {
        // Its sessions outlive a killed server for a moment, and a new one refuses to start until they have ended.
        if (!server.running) server = ManagedProcess.start(prepared.spec);
        await execute(url, 'SELECT 1');
      });
    },
    stop: async () => {
      await server.stop();
      await removePostgresData(join(folder, 'postgres'));
      await rm(folder, { recursive: true, force: true });
      await release();
    },
  };
}

export async function waitForPostgres(url: string, server: ManagedProcess): Promise<void> {
  await eventually(async () => {
    if (!server.running) throw new Error(`postgres has ended: ${server.output}`);
    await execute(url, 'SELECT 1');
  });
}
