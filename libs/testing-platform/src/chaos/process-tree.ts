import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A process and everything below it: PostgreSQL's sessions are processes of their own, in groups of their own. */
export async function processTree(root: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=']);
  const children = new Map<number, number[]>();
  for (const line of stdout.split('\n')) {
    const [pid, parent] = line.trim().split(/\s+/).map(Number);
    if (pid === undefined || parent === undefined) continue;
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree: number[] = [];
  for (const left = [root]; left.length > 0;) {
    const pid = left.shift();
    if (pid === undefined) break;
    tree.push(pid);
    left.push(...(children.get(pid) ?? []));
  }
  return tree;
}

/** Stops a process with everything below it; returns what lets it go on. */
export async function pauseTree(root: number): Promise<() => void> {
  // The parent first, so that nobody is born behind our back.
  signal(root, 'SIGSTOP');
  const stopped = await processTree(root);
  for (const pid of stopped) signal(pid, 'SIGSTOP');
  return () => stopped.reverse().forEach((pid) => signal(pid, 'SIGCONT'));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
