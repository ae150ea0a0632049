import { Queryable } from '@headwater/sql';

const LOG_NAME = /^[A-Z][A-Z0-9_-]{0,63}$/;

/** What is wrong with the name of a log, or undefined. It is the first token of its event types. */
export function faultOfLogName(name: string): string | undefined {
  return LOG_NAME.test(name)
    ? undefined
    : `${JSON.stringify(name)} must be 1 to 64 of A-Z, 0-9, _ and -, the first of them a letter`;
}

/** Makes the rows of the logs that configuration names; what is there stays as it is. */
export async function declareLogs(client: Queryable, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const fault = faultOfLogName(name);
    if (fault !== undefined) throw new Error(`the log name ${fault}`);
  }
  await client.query('INSERT INTO logs (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING', [names]);
  await client.query('INSERT INTO relays (log) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING', [names]);
}
