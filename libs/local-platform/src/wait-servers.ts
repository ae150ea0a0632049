import { Client } from 'pg';
import { ManagedProcess, SetupError } from '@headwater/embedded';
import { connectAsDeclarations } from './declarations';
import { Instance, ServiceContext, serviceSpec } from './services';

/** Waits until PostgreSQL takes the address; what is wrong with it at its start is told at once. */
export async function waitForSql(
  url: string,
  server: ManagedProcess,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const deadline = Date.now() + 30_000; ;) {
    signal?.throwIfAborted();
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    try {
      await client.connect();
      return await client.end();
    } catch (cause) {
      if (!server.running)
        throw new SetupError(`PostgreSQL ended at its start${lastWords(server)}`, { cause });
      // 28P01: the data was made with another password than the one that is kept beside it.
      if ((cause as { code?: unknown }).code === '28P01') {
        throw new SetupError(
          'PostgreSQL refuses the password that is kept for it; was a part of the data folder deleted?',
          { cause },
        );
      }
      if (Date.now() > deadline) throw new SetupError('PostgreSQL does not answer after 30 s', { cause });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Waits until the server takes the password; what is wrong with it at its start is told at once. */
export async function waitForNats(
  port: number,
  password: string,
  server: ManagedProcess,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const deadline = Date.now() + 30_000; ;) {
    signal?.throwIfAborted();
    try {
      const connection = await connectAsDeclarations(port, password, { waitOnFirstConnect: false });
      return await connection.close();
    } catch (cause) {
      if (!server.running)
        throw new SetupError(`nats-server ended at its start${lastWords(server)}`, { cause });
      if (Date.now() > deadline) throw new SetupError('nats-server does not answer after 30 s', { cause });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** A full disk is told as such; for the rest the program's own last lines say most. */
const lastWords = ({ output }: ManagedProcess): string =>
  /no space left/i.test(output) ? ': the disk is full; free some space and start again' : `:\n${output}`;

/** Runs a service's migrations to their end. */
export async function runMigration(
  instance: Instance,
  context: ServiceContext,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const migration = ManagedProcess.start(serviceSpec(instance, context, 'migrate'), { ownGroup: true });
  const end = (): void => migration.signal('SIGTERM');
  signal?.addEventListener('abort', end);
  const { code } = await migration.exited;
  signal?.removeEventListener('abort', end);
  if (code !== 0) throw new SetupError(`the migrations of ${instance.service} failed${lastWords(migration)}`);
}
