// What every command of a clone needs first: the right Node, the dependencies, the build.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

export function fail(sentence) {
  process.stderr.write(`headwater: ${sentence}\n`);
  process.exit(1);
}

/** Runs a command, quietly unless it fails. */
export function run(label, command, args, { cwd = root, env = {}, advice = '' } = {}) {
  process.stdout.write(`· ${label}\n`);
  const started = Date.now();
  const result = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (result.status === 0) {
    const seconds = (Date.now() - started) / 1000;
    if (seconds > 5) process.stdout.write(`  done in ${seconds.toFixed(0)} s\n`);
    return;
  }
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}\n`);
  const output = `${result.stdout}${result.stderr}`;
  if (/ENOSPC|No space left/.test(output)) fail(`the disk is full; free some space and start again`);
  if (result.error?.code === 'ENOENT') fail(`${command} is not on PATH; install it and start again`);
  fail(`${label} failed${advice ? `; ${advice}` : ''}`);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const good = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (!good) fail(`Node ${process.versions.node} is too old; install Node 20.19 or newer`);
}

/** npm notes the installed tree in this file; a stamp beside it says for which lock file. */
function installDependencies() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.headwater-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  run(
    'installing dependencies (about a minute the first time)',
    'npm',
    ['ci', '--no-progress', '--loglevel=error'],
    {
      env: { SCARF_ANALYTICS: 'false', NX_NO_CLOUD: 'true' },
      advice: 'look at what npm says above',
    },
  );
  writeFileSync(stamp, lock);
}

export function prepare({ build = true } = {}) {
  checkNode();
  installDependencies();
  if (build) run('building', process.execPath, [join(root, 'tools', 'nx.mjs'), 'run-many', '-t', 'build']);
}
