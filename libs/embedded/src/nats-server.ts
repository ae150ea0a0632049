import { execFile } from 'node:child_process';
import { access, constants, mkdir, rename, rm } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir, SetupError } from './cache';
import { ProcessSpec } from './process-spec';
import { tellWhile } from './tell-while';

const run = promisify(execFile);

/** The pinned version; `tools/nats-server/go.mod` says the same. */
export const NATS_SERVER_VERSION = '2.15.2';

/** The oldest server that the platform supports. */
const OLDEST: [number, number] = [2, 11];

const executable = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );

async function versionOf(binary: string): Promise<string> {
  const { stdout } = await run(binary, ['--version']);
  return /v(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1] ?? '0.0.0';
}

const supported = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
};

async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    const candidate = join(folder, name);
    if (await executable(candidate)) return candidate;
  }
  return undefined;
}

/**
 * A nats-server binary: `HEADWATER_NATS_SERVER`, else one on PATH that is new enough, else the pinned version built with
 * Go into the cache folder (half a minute, once per machine).
 *
 * @param moduleDir folder of the pinned Go module, `tools/nats-server`
 * @param progress is told in one line what takes long, and that it still goes on
 * @param signal ends the building
 * @throws SetupError
 */
export async function findNatsServer(
  moduleDir: string,
  progress: (line: string) => void = () => undefined,
  signal?: AbortSignal,
): Promise<string> {
  const named = process.env['HEADWATER_NATS_SERVER'];
  if (named) {
    if (await executable(named)) return resolve(named);
    throw new SetupError(`HEADWATER_NATS_SERVER names ${named}, which is not an executable file`);
  }
  const found = await onPath('nats-server');
  if (found && supported(await versionOf(found))) return found;

  const target = join(cacheDir(), 'tools', `nats-server-${NATS_SERVER_VERSION}`);
  if (await executable(target)) return target;
  if (!(await onPath('go'))) {
    throw new SetupError(
      `nats-server ${OLDEST.join('.')} or newer is not on PATH and Go, to build it, is not there either; install one of them or set HEADWATER_NATS_SERVER`,
    );
  }
  progress(`building nats-server ${NATS_SERVER_VERSION} with Go, once per machine (about half a minute)`);
  await mkdir(join(cacheDir(), 'tools'), { recursive: true });
  const partial = `${target}.${process.pid}`;
  try {
    const building = run(
      'go',
      ['build', '-trimpath', '-ldflags=-s -w', '-o', partial, 'github.com/nats-io/nats-server/v2'],
      {
        cwd: moduleDir,
        env: { ...process.env, GOFLAGS: '-mod=readonly', CGO_ENABLED: '0' },
        maxBuffer: 64 * 1024 * 1024,
        ...(signal ? { signal } : {}),
      },
    );
    await tellWhile(building, (seconds) => progress(`still building nats-server after ${seconds} s`));
    // Atomic, so that two first starts side by side do not meet half a binary.
    await rename(partial, target);
  } catch (cause) {
    await rm(partial, { force: true });
    const text = cause instanceof Error ? cause.message : String(cause);
    const detail = /no space left/i.test(text)
      ? 'the disk is full; free some space and start again'
      : text.split('\n').filter(Boolean).pop();
    throw new SetupError(`building nats-server with Go failed: ${detail}`, { cause });
  }
  return target;
}

/** The process of a nats-server with a configuration file. */
export function natsServerSpec(binary: string, configFile: string, name = 'nats-server'): ProcessSpec {
  return { name, command: binary, args: ['--config', configFile], stopSignal: 'SIGTERM' };
}
