import { createTestDatabase, execute, startTestNats, startTestPostgres } from './index';

test('each test file gets a database and a nats-server', async () => {
  const database = await createTestDatabase();
  await execute(database.url, 'CREATE TABLE t (id int8)');
  await database.drop();
  const nats = await startTestNats();
  await nats.kill();
  await nats.restart();
  await nats.stop();
});

test('a PostgreSQL of its own keeps committed rows across SIGKILL', async () => {
  const postgres = await startTestPostgres();
  await execute(postgres.url, 'CREATE TABLE t (id int8)');
  await postgres.kill();
  await postgres.restart();
  await execute(postgres.url, 'INSERT INTO t VALUES (1)');
  await postgres.stop();
});
