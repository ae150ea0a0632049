import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { portTaken } from '@headwater/embedded';

export interface ReservedPort {
  port: number;
  release(): Promise<void>;
}

/**
 * Below what Linux and macOS give to outgoing connections: there a port that is free for a moment, as while its server
 * is killed and started again, can become some other program's.
 */
const FIRST = 20_000;
const LAST = 32_000;
const ATTEMPTS = 200;

const folder = join(tmpdir(), 'headwater-test-ports');

/**
 * A port of the loopback interface that no other test on this machine gets until it is released, also while nothing
 * listens on it. A file named for the port holds the process that has it; those of ended processes do not count.
 */
export async function reservePort(): Promise<ReservedPort> {
  await mkdir(folder, { recursive: true, mode: 0o777 });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    const file = join(folder, String(port));
    if (!(await claimed(file))) continue;
    if (!(await portTaken(port, '127.0.0.1'))) return { port, release: () => rm(file, { force: true }) };
    await rm(file, { force: true });
  }
  throw new Error(`no free port was found between ${FIRST} and ${LAST}`);
}

async function claimed(file: string): Promise<boolean> {
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    // Left for the next attempt, which meets another number most likely: taking it over here could race.
    if (await ownerHasEnded(file)) await rm(file, { force: true });
    return false;
  }
}

async function ownerHasEnded(file: string): Promise<boolean> {
  const pid = Number(await readFile(file, 'utf8').catch(() => ''));
  // Empty: it is being written at this moment.
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
