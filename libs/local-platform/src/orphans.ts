import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Layout } from './layout';
import { isRunning, ProcessIdentity, startTimeOf } from './process-identity';

/** Notes a started process, so that a later start can end it if this one is killed. */
export async function noteProcess(layout: Layout, name: string, pid: number): Promise<void> {
  const startTime = startTimeOf(pid);
  if (startTime === undefined) return;
  await mkdir(layout.run, { recursive: true });
  await writeFile(layout.runFile(name), JSON.stringify({ pid, startTime }));
}

export async function forgetProcess(layout: Layout, name: string): Promise<void> {
  await rm(layout.runFile(name), { force: true });
}

/** The process that runs the platform on this data folder at present, if it is another than this one. */
export async function runningSupervisor(layout: Layout): Promise<ProcessIdentity | undefined> {
  const identity = await readIdentity(layout.runFile(SUPERVISOR));
  return identity && identity.pid !== process.pid && isRunning(identity) ? identity : undefined;
}

export const SUPERVISOR = 'supervisor';

/**
 * Ends what a killed start has left behind: only processes whose pid and start time were noted. In order first, by
 * SIGKILL after five seconds.
 *
 * @returns names of the processes that were ended
 */
export async function endOrphans(layout: Layout): Promise<string[]> {
  const ended: string[] = [];
  for (const file of await readdir(layout.run).catch(() => [])) {
    const name = file.replace(/\.json$/, '');
    const identity = await readIdentity(join(layout.run, file));
    if (identity && name !== SUPERVISOR && isRunning(identity)) {
      ended.push(name);
      // PostgreSQL takes SIGINT as the order to end now; the others' SIGTERM would have it wait for sessions.
      process.kill(identity.pid, name === 'postgres' ? 'SIGINT' : 'SIGTERM');
      if (!(await gone(identity, 5_000))) {
        process.kill(identity.pid, 'SIGKILL');
        await gone(identity, 5_000);
      }
    }
    await rm(join(layout.run, file), { force: true });
  }
  return ended;
}

async function readIdentity(file: string): Promise<ProcessIdentity | undefined> {
  try {
    const { pid, startTime } = JSON.parse(await readFile(file, 'utf8')) as Partial<ProcessIdentity>;
    return typeof pid === 'number' && typeof startTime === 'string' ? { pid, startTime } : undefined;
  } catch {
    return undefined;
  }
}

async function gone(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline;) {
    if (!isRunning(identity)) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return !isRunning(identity);
}
