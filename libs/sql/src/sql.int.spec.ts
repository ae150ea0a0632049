import { randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { createTestDatabase, eventually, TestDatabase } from '@headwater/testing';
import {
  acquireLease,
  createPool,
  inTransaction,
  isUnavailable,
  migrate,
  MigrationPlan,
  MigrationRefused,
  isMigrated,
  releaseLease,
  renewLease,
  whileHolding,
} from './index';

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, applicationName: 'test', statementTimeoutMs: 5_000 });
  await pool.query('CREATE TABLE counters (name text PRIMARY KEY, value int8 NOT NULL)');
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const count = async (name: string): Promise<number | undefined> =>
  (await pool.query<{ value: number }>('SELECT value FROM counters WHERE name = $1', [name])).rows[0]?.value;

describe('a pool', () => {
  test('reads int8 as a number and refuses one that a number can not hold', async () => {
    const { rows } = await pool.query<{ n: unknown }>('SELECT 9007199254740991::int8 AS n');
    expect(rows[0]?.n).toBe(Number.MAX_SAFE_INTEGER);
    await expect(pool.query('SELECT 9007199254740992::int8 AS n')).rejects.toThrow(RangeError);
  });

  test('sets its timeouts and settings on the server', async () => {
    const own = createPool({
      url: database.url,
      applicationName: 'own',
      lockTimeoutMs: 1_234,
      settings: { enable_seqscan: 'off' },
    });
    const show = async (name: string): Promise<unknown> =>
      (await own.query<Record<string, unknown>>(`SHOW ${name}`)).rows[0]?.[name];
    expect(await show('lock_timeout')).toBe('1234ms');
    expect(await show('idle_in_transaction_session_timeout')).toBe('5s');
    expect(await show('enable_seqscan')).toBe('off');
    await own.end();
  });

  test('says unavailable for a server that is not there and for one that is too slow', async () => {
    const nobody = createPool({ url: 'postgres://postgres@127.0.0.1:1/x', applicationName: 'test' });
    expect(await nobody.query('SELECT 1').catch(isUnavailable)).toBe(true);
    await nobody.end();
    const slow = createPool({ url: database.url, applicationName: 'test', statementTimeoutMs: 50 });
    expect(await slow.query('SELECT pg_sleep(5)').catch(isUnavailable)).toBe(true);
    await slow.end();
    expect(await pool.query('SELECT nonsense').catch(isUnavailable)).toBe(false);
  });
});

describe('a transaction', () => {
  test('is run again until serializable writers no longer collide', async () => {
    await pool.query("INSERT INTO counters VALUES ('serial', 0)");
    const add = (): Promise<void> =>
      inTransaction(
        pool,
        async (client) => {
          const { rows } = await client.query<{ value: number }>(
            "SELECT value FROM counters WHERE name = 'serial'",
          );
          await client.query("UPDATE counters SET value = $1 WHERE name = 'serial'", [
            (rows[0]?.value ?? 0) + 1,
          ]);
        },
        { isolation: 'serializable', attempts: 1_000 },
      );
    await Promise.all(Array.from({ length: 20 }, add));
    expect(await count('serial')).toBe(20);
  });

  test('rolls back what fails and keeps the connection usable', async () => {
    const failing = inTransaction(pool, async (client) => {
      await client.query("INSERT INTO counters VALUES ('rolled back', 1)");
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await count('rolled back')).toBeUndefined();
  });

  test('sends one statement with BEGIN and one with COMMIT', async () => {
    const seen = await inTransaction(pool, async (_client, opened) => opened, {
      opening: "INSERT INTO counters VALUES ('ends', 1) RETURNING name, value",
      closing: () => "UPDATE counters SET value = value + 1 WHERE name = 'ends'",
    });
    expect(seen).toEqual([{ name: 'ends', value: 1 }]);
    expect(await count('ends')).toBe(2);
  });

  test('runs again on another connection when its own is ended before COMMIT', async () => {
    let runs = 0;
    await inTransaction(pool, async (client) => {
      runs++;
      await client.query("INSERT INTO counters VALUES ('killed', 1)");
      if (runs > 1) return;
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await pool.query('SELECT pg_terminate_backend($1, 5000)', [rows[0]?.pid]);
      await client.query('SELECT 1');
    });
    expect(runs).toBe(2);
    expect(await count('killed')).toBe(1);
  });
});

describe('a row lease', () => {
  const table = 'leases';
  beforeAll(() =>
    pool.query(
      'CREATE TABLE leases (name text PRIMARY KEY, holder text, epoch int8 NOT NULL DEFAULT 0, until timestamptz)',
    ),
  );
  const row = async (): Promise<{ table: string; keyColumn: string; key: string }> => {
    const key = randomUUID();
    await pool.query('INSERT INTO leases (name) VALUES ($1)', [key]);
    return { table, keyColumn: 'name', key };
  };

  test('has one holder until it is released or has run out, and a new epoch each time', async () => {
    const it = await row();
    const first = await acquireLease(pool, it, 'a', 60_000);
    expect(first?.epoch).toBe(1);
    expect(await acquireLease(pool, it, 'b', 60_000)).toBeUndefined();
    if (!first) throw new Error('not acquired');
    await releaseLease(pool, first);
    const second = await acquireLease(pool, it, 'b', 1);
    expect(second?.epoch).toBe(2);
    const third = await eventually(async () => {
      const lease = await acquireLease(pool, it, 'a', 60_000);
      expect(lease?.epoch).toBe(3);
      return lease;
    });
    expect(second && (await renewLease(pool, second, 60_000))).toBe(false);
    expect(third && (await renewLease(pool, third, 60_000))).toBe(true);
  });

  test('lets one work at a time and hands over', async () => {
    const it = await row();
    let inside = 0;
    let most = 0;
    const works = ['a', 'b', 'c'].map((holder) =>
      whileHolding(pool, it, { holder, pollMs: 5 }, async () => {
        most = Math.max(most, ++inside);
        await pool.query('SELECT pg_sleep(0.02)');
        inside--;
        return holder;
      }),
    );
    expect((await Promise.all(works)).sort()).toEqual(['a', 'b', 'c']);
    expect(most).toBe(1);
  });

  test('stops the work of a holder who has lost it', async () => {
    const it = await row();
    const work = whileHolding(pool, it, { holder: 'a', ttlMs: 300 }, async (_lease, signal) => {
      await pool.query("UPDATE leases SET holder = 'thief', epoch = epoch + 1 WHERE name = $1", [it.key]);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      return 'stopped';
    });
    expect(await work).toBe('stopped');
    const { rows } = await pool.query<{ holder: string }>('SELECT holder FROM leases WHERE name = $1', [
      it.key,
    ]);
    expect(rows[0]?.holder).toBe('thief');
  });
});

describe('migrations', () => {
  const plan = (owner: string, ...sql: string[]): MigrationPlan => ({
    owner,
    migrations: sql.map((text, index) => ({ name: `000${index + 1}`, sql: text })),
  });
  const one = 'CREATE TABLE IF NOT EXISTS one (id int8)';
  const two = 'ALTER TABLE one ADD COLUMN IF NOT EXISTS more text';

  test('run once, in order, whoever starts them together', async () => {
    expect(await isMigrated(pool, plan('m', one, two))).toBe(false);
    const runs = await Promise.all([1, 2, 3].map(() => migrate(pool, plan('m', one, two))));
    expect(runs.flat().sort()).toEqual(['0001', '0002']);
    expect(await isMigrated(pool, plan('m', one, two))).toBe(true);
    await pool.query('SELECT id, more FROM one');
  });

  test('refuse what was changed after it ran, and a database that is ahead', async () => {
    await migrate(pool, plan('n', one, two));
    await expect(migrate(pool, plan('n', `${one} `, two))).resolves.toEqual([]);
    await expect(migrate(pool, plan('n', 'CREATE TABLE other (id int8)', two))).rejects.toThrow(
      MigrationRefused,
    );
    const ahead: MigrationPlan = { owner: 'n', migrations: [{ name: '0009', sql: one }] };
    await expect(migrate(pool, ahead)).rejects.toThrow(/newer/);
  });

  test('go on where a failure stopped them', async () => {
    const broken = plan('o', one, 'CREATE TABLE broken (');
    await expect(migrate(pool, broken)).rejects.toThrow(/syntax/);
    expect(await migrate(pool, plan('o', one, two))).toEqual(['0002']);
  });
});
