// What every command of a clone needs first: the right Node, the dependencies, the build.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** No daemon, no cloud, no terminal tricks: the same on a laptop and in CI. */
export const NX_ENV = {
  NX_DAEMON: 'false',
  NX_NO_CLOUD: 'true',
  NX_TUI: 'false',
  NX_INTERACTIVE: 'false',
};

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Ends with one sentence. */
export function fail(sentence) {
  process.stderr.write(`headwater: ${sentence}\n`);
  process.exit(1);
}

/**
 * Runs a command, quietly unless it fails, and shows that it is alive. It runs in a process group of its own, so that
 * whatever ends us ends all of it.
 */
export async function run(label, command, args, { cwd = root, env = {}, advice = '' } = {}) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  let interrupted = false;
  const end = (signal) => {
    interrupted = true;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // It has just ended by itself.
    }
  };
  for (const signal of SIGNALS) process.on(signal, end);
  const finish = showTime(label);
  const { status, error } = await new Promise((resolve) => {
    child.once('error', (error) => resolve({ error }));
    child.once('close', (status) => resolve({ status }));
  });
  finish();
  for (const signal of SIGNALS) process.removeListener(signal, end);
  if (interrupted) fail(`interrupted while ${label}`);
  if (status === 0) return;
  const text = Buffer.concat(output).toString();
  process.stderr.write(`${text}\n`);
  if (/ENOSPC|No space left/i.test(text)) fail('the disk is full; free some space and start again');
  if (error?.code === 'ENOENT') fail(`${command} is not on PATH; install it and start again`);
  fail(`${label} failed${advice ? `; ${advice}` : ''}`);
}

/** The label, with the seconds that pass: in place on a terminal, elsewhere a line now and then. */
function showTime(label) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const terminal = process.stdout.isTTY;
  process.stdout.write(terminal ? `· ${label}` : `· ${label}\n`);
  const timer = setInterval(
    () =>
      process.stdout.write(
        terminal ? `\r· ${label}, ${seconds()} s` : `  still ${label} after ${seconds()} s\n`,
      ),
    terminal ? 1_000 : 15_000,
  );
  return () => {
    clearInterval(timer);
    if (terminal) process.stdout.write('\n');
    else if (seconds() > 5) process.stdout.write(`  done in ${seconds()} s\n`);
  };
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const good = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (!good) {
    fail(
      `Node ${process.versions.node} will not do; install Node 20.19 or a later 20, or 22.12 or newer (https://nodejs.org)`,
    );
  }
}

/** npm notes the installed tree in this file; a stamp beside it says for which lock file. */
async function installDependencies() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.headwater-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  await run(
    'installing dependencies (about a minute, once)',
    'npm',
    ['ci', '--no-progress', '--loglevel=error'],
    {
      env: { SCARF_ANALYTICS: 'false', NX_NO_CLOUD: 'true' },
      advice: 'what npm says about it stands above',
    },
  );
  writeFileSync(stamp, lock);
}

/** Dependencies and build; what is done already costs a second. */
export async function prepare({ build = true } = {}) {
  checkNode();
  await installDependencies();
  if (!build) return;
  const nx = createRequire(import.meta.url).resolve('nx/bin/nx.js');
  await run('building', process.execPath, [nx, 'run-many', '-t', 'build', '--outputStyle=stream'], {
    env: NX_ENV,
    advice: 'what the compiler says about it stands above',
  });
}
