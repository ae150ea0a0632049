import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabases as create, SQL_USERS, type SqlUser } from '@headwater/local-platform';
import { CommandFailed } from '../command-failed';
import { passwordKey, SUPERUSER_KEY } from '../credential-keys';
import { print } from '../table';

const RETRY_MS = 1_000;

/** Makes databases and users on a server that may still be starting. Passwords are files, as a mounted Secret has them. */
export async function createDatabases(options: {
  host: string;
  port: number;
  passwords: string;
  patience: number;
}): Promise<void> {
  const password = (key: string): string => {
    try {
      return readFileSync(join(options.passwords, key), 'utf8').trim();
    } catch (cause) {
      throw new CommandFailed(`${join(options.passwords, key)} can't be read`, { cause });
    }
  };
  const passwords = Object.fromEntries(
    SQL_USERS.map((user) => [user, password(passwordKey(user))] as const),
  ) as Record<SqlUser, string>;
  const server = { host: options.host, port: options.port, superuserPassword: password(SUPERUSER_KEY) };
  let told = '';
  for (const deadline = Date.now() + options.patience * 1_000; ; await sleep(RETRY_MS)) {
    try {
      await create(server, passwords);
      return print(`databases and users are there: ${SQL_USERS.join(', ')}`);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      if (Date.now() > deadline)
        throw new CommandFailed(`the databases could not be made on ${options.host}: ${reason}`, { cause });
      if (reason !== told) print(`waiting for PostgreSQL on ${options.host}: ${reason}`);
      told = reason;
    }
  }
}
