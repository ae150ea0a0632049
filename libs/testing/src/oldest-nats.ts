import { resolve } from 'node:path';
import { findOldestNatsServer } from '@headwater/embedded';

/**
 * The binary of the oldest supported nats-server, built on demand; undefined, with a line, where it can't be had, unless
 * `E2E_REQUIRE=1` asks for it.
 */
export async function oldestNatsServer(): Promise<string | undefined> {
  const line = (text: string): void => void process.stderr.write(`${text}\n`);
  try {
    return await findOldestNatsServer(resolve(__dirname, '../../../tools/nats-server-2.11'), line);
  } catch (error) {
    if (process.env['E2E_REQUIRE'] === '1') throw error;
    line(`left out: tests against the oldest nats-server: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}
