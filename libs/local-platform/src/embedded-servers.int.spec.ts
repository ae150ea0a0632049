import { chmod, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import {
  findNatsServer,
  freePort,
  ManagedProcess,
  preparePostgres,
  removePostgresData,
  SetupError,
} from '@headwater/embedded';
import { eventually } from '@headwater/testing';

test('PostgreSQL runs in a folder that only its owner may enter, asks for the password, and leaves no password file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-private-'));
  await chmod(folder, 0o700);
  const port = await freePort();
  const options = { dataDir: join(folder, 'postgres'), port, password: 'secret' };
  const first = await preparePostgres(options);
  expect(first.created).toBe(true);
  const server = ManagedProcess.start(first.spec);
  const connect = async (password: string): Promise<void> => {
    const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', password });
    try {
      await client.connect();
    } finally {
      await client.end();
    }
  };
  await eventually(() => connect('secret'));
  await expect(connect('wrong')).rejects.toThrow('password authentication failed');
  await server.stop();
  // What is made for root lies elsewhere, and the second start finds it there.
  expect(await preparePostgres(options)).toMatchObject({ created: false, dataDir: first.dataDir });
  const left = (await readdir(folder)).filter((name) => !/^postgres(\.location)?$/.test(name));
  expect(left).toEqual([]);
  await removePostgresData(options.dataDir);
  await expect(stat(first.dataDir)).rejects.toThrow('ENOENT');
  await rm(folder, { recursive: true });
});

test('a folder that was moved keeps its data', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-private-'));
  await chmod(folder, 0o700);
  const options = { dataDir: join(folder, 'postgres'), port: await freePort(), settings: { fsync: 'off' } };
  const first = await preparePostgres(options);
  const moved = `${folder}-moved`;
  await rename(folder, moved);
  const dataDir = join(moved, 'postgres');
  const second = await preparePostgres({ ...options, dataDir });
  expect(second.created).toBe(false);
  await expect(stat(join(second.dataDir, 'PG_VERSION'))).resolves.toBeDefined();
  await removePostgresData(first.dataDir);
  await removePostgresData(dataDir);
  await rm(moved, { recursive: true, force: true });
});

test('a nats-server that is named and not there is said to be so', async () => {
  const before = process.env['HEADWATER_NATS_SERVER'];
  process.env['HEADWATER_NATS_SERVER'] = '/nowhere/nats-server';
  await expect(findNatsServer('/nowhere')).rejects.toThrow(SetupError);
  process.env['HEADWATER_NATS_SERVER'] = before;
});
