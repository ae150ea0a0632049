import { readFileSync } from 'node:fs';
import { LocalPlatform } from '@headwater/local-platform';

/** CPU seconds that a process and its ended children have used; NaN where the system does not tell. */
function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // proc(5): fields 14 to 17 (utime, stime, cutime, cstime) in clock ticks of 1/100 s.
    return [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0) / 100;
  } catch {
    return NaN;
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** CPU seconds by process so far; PostgreSQL's sessions count as its own. */
export function cpuByProcess(platform: LocalPlatform): Record<string, number> {
  const usage: Record<string, number> = {
    'load generator': process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
  };
  for (const name of platform.processNames()) {
    const pid = platform.process(name)?.pid;
    if (pid !== undefined)
      usage[name] = [pid, ...childrenOf(pid)].reduce((sum, id) => sum + cpuSeconds(id), 0);
  }
  return usage;
}
