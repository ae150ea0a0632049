import { readFileSync } from 'node:fs';
import { Layout } from '@headwater/local-platform';
import { connect, NatsConnection } from '@nats-io/transport-node';
import { CommandFailed } from './command-failed';

/** A NATS connection as the user that keeps declarations; from the environment, else from the local platform's data. */
export async function connectAsDeclarations(options: {
  nats: string;
  dataDir: string;
}): Promise<NatsConnection> {
  const { user, pass } = natsUser(options.dataDir);
  try {
    return await connect({
      servers: options.nats,
      name: 'headwater-cli',
      ...(pass === undefined ? {} : { user, pass, inboxPrefix: `_INBOX_${user}` }),
      timeout: 5_000,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailed(`no connection to NATS at ${options.nats} as ${user}: ${reason}`, { cause });
  }
}

/** The NATS user that commands act as, and its password where there is one. */
export function natsUser(dataDir: string): { user: string; pass: string | undefined } {
  const user = process.env['HEADWATER_NATS_USER'] ?? 'declarations';
  return { user, pass: process.env['HEADWATER_NATS_PASSWORD'] ?? secret(dataDir, `nats-${user}.password`) };
}

/** The connection address of a SQL user: `variable` in the environment, else the local platform's. */
export function databaseUrlOf(user: string, variable: string, dataDir: string): string {
  const url = process.env[variable] ?? secret(dataDir, `sql-${user}.url`);
  if (url === undefined) {
    throw new CommandFailed(
      `there is no address of the database: set ${variable}, or name the local platform's folder by --data-dir`,
    );
  }
  return url;
}

function secret(dataDir: string, name: string): string | undefined {
  try {
    return readFileSync(new Layout(dataDir).secret(name), 'utf8').trim();
  } catch {
    return undefined;
  }
}
