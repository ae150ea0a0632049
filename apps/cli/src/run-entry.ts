import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './root';

/** Runs an entry point of an app to its end, with its output on ours; the app's own code does what its tables need. */
export function runEntry(
  app: string,
  entry: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(ROOT, 'apps', app, 'dist', `${entry}.js`), ...args], {
      env: { ...process.env, ...env },
      stdio: 'inherit',
    });
    child.once('exit', resolve);
    child.once('error', () => resolve(127));
  });
}
