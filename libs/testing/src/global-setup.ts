import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findNatsServer, ManagedProcess, preparePostgres, removePostgresData } from '@headwater/embedded';
import { lookForControlPlane } from './control-plane';
import { reservePort } from './ports';
import { waitForPostgres } from './postgres';

/** One PostgreSQL for the whole run, in which every test file makes its own database; nats-server is only built here. */
export default async function globalSetup(): Promise<void> {
  process.env['HEADWATER_NATS_SERVER'] = await findNatsServer(
    resolve(__dirname, '../../../tools/nats-server'),
    (line) => process.stderr.write(`${line}\n`),
  );
  await lookForControlPlane();
  const folder = await mkdtemp(join(tmpdir(), 'headwater-test-'));
  const { port, release } = await reservePort();
  // Tests that need durability across kills start a server of their own.
  const { spec } = await preparePostgres({
    dataDir: join(folder, 'postgres'),
    port,
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
  });
  const server = ManagedProcess.start(spec);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  await waitForPostgres(url, server);
  process.env['HEADWATER_TEST_POSTGRES_URL'] = url;
  globalThis.headwaterTestServers = async () => {
    await server.stop();
    await removePostgresData(join(folder, 'postgres'));
    await rm(folder, { recursive: true, force: true });
    await release();
  };
}

declare global {
  var headwaterTestServers: (() => Promise<void>) | undefined;
}
