import { Client } from 'pg';
import { createTestDatabase, SqlFault, SqlFaultProxy, startSqlFaultProxy, TestDatabase } from './index';

let database: TestDatabase;
let direct: Client;
let proxy: SqlFaultProxy;
beforeAll(async () => {
  database = await createTestDatabase();
  direct = new Client({ connectionString: database.url });
  await direct.connect();
  await direct.query('CREATE TABLE t (id int8 PRIMARY KEY)');
  proxy = await startSqlFaultProxy(database.url);
});
afterAll(async () => {
  await proxy.close();
  await direct.end();
  await database.drop();
});

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: proxy.url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

const stored = async (id: number): Promise<boolean> =>
  (await direct.query('SELECT 1 FROM t WHERE id = $1', [id])).rowCount === 1;

test('passes simple, extended and prepared statements through', async () => {
  const client = await connect();
  expect((await client.query('SELECT 1 AS a; SELECT 2 AS b')) as unknown).toHaveLength(2);
  for (const id of [1, 2])
    await client.query({ name: 'insert', text: 'INSERT INTO t VALUES ($1)', values: [id] });
  expect(await stored(2)).toBe(true);
  await client.end();
});

test.each<[SqlFault, number, boolean]>([
  [{ kind: 'error', sqlState: '40001' }, 10, false],
  [{ kind: 'error-after', sqlState: '40003' }, 11, true],
  [{ kind: 'cut-before' }, 12, false],
  [{ kind: 'cut-after' }, 13, true],
])('%p at COMMIT', async (fault, id, happened) => {
  const client = await connect();
  proxy.inject = ({ sql }) => (sql === 'COMMIT' ? fault : undefined);
  await client.query('BEGIN');
  await client.query('INSERT INTO t VALUES ($1)', [id]);
  const error: unknown = await client.query('COMMIT').catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  if ('sqlState' in fault) expect(error).toMatchObject({ code: fault.sqlState });
  expect(await stored(id)).toBe(happened);
  proxy.inject = undefined;
  await client.end();
});

test('refuses what CockroachDB lacks, by name, also when it is prepared', async () => {
  const client = await connect();
  const text = 'SELECT id FROM t FOR UPDATE SKIP LOCKED';
  await expect(client.query({ name: 'skip', text })).rejects.toMatchObject({ code: '0A000' });
  expect(proxy.refused).toEqual([`SKIP LOCKED: ${text}`]);
  await client.query('SELECT 1');
  await client.end();
});
