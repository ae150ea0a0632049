import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { SetupError } from './cache';
import { builtTool, buildWithGo, executable, onPath } from './find-tool';
import { ProcessSpec } from './process-spec';

const run = promisify(execFile);

/** The pinned version; `tools/nats-server/go.mod` says the same. */
export const NATS_SERVER_VERSION = '2.15.2';

/** The oldest line of servers that the platform supports, and its pinned patch; `tools/nats-server-2.11/go.mod` says the same. */
export const OLDEST_NATS_SERVER_VERSION = '2.11.17';
const OLDEST: [number, number] = [2, 11];

async function versionOf(binary: string): Promise<string> {
  const { stdout } = await run(binary, ['--version']);
  return /v(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1] ?? '0.0.0';
}

const supported = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
};

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

  const built = builtTool('nats-server', NATS_SERVER_VERSION);
  if (await executable(built)) return built;
  if (!(await onPath('go'))) {
    throw new SetupError(
      `nats-server ${OLDEST.join('.')} or newer is not on PATH and Go, to build it, is not there either; install one of them or set HEADWATER_NATS_SERVER`,
    );
  }
  return buildWithGo({
    name: 'nats-server',
    version: NATS_SERVER_VERSION,
    moduleDir,
    package: 'github.com/nats-io/nats-server/v2',
    duration: 'about half a minute',
    progress,
    signal,
  });
}

/**
 * The oldest nats-server that is supported, for tests: `HEADWATER_OLDEST_NATS_SERVER`, else the pinned version built with Go
 * into the cache folder (half a minute, once per machine).
 *
 * @param moduleDir folder of the pinned Go module, `tools/nats-server-2.11`
 * @param progress is told in one line what takes long, and that it still goes on
 * @throws SetupError
 */
export async function findOldestNatsServer(
  moduleDir: string,
  progress: (line: string) => void = () => undefined,
): Promise<string> {
  const named = process.env['HEADWATER_OLDEST_NATS_SERVER'];
  if (named) {
    if (await executable(named)) return resolve(named);
    throw new SetupError(`HEADWATER_OLDEST_NATS_SERVER names ${named}, which is not an executable file`);
  }
  const built = builtTool('nats-server', OLDEST_NATS_SERVER_VERSION);
  if (await executable(built)) return built;
  if (!(await onPath('go'))) {
    throw new SetupError(
      `Go, to build nats-server ${OLDEST_NATS_SERVER_VERSION}, is not there; install it or set HEADWATER_OLDEST_NATS_SERVER`,
    );
  }
  return buildWithGo({
    name: 'nats-server',
    version: OLDEST_NATS_SERVER_VERSION,
    moduleDir,
    package: 'github.com/nats-io/nats-server/v2',
    duration: 'about half a minute',
    progress,
  });
}

/** The process of a nats-server with a configuration file. */
export function natsServerSpec(binary: string, configFile: string, name = 'nats-server'): ProcessSpec {
  return { name, command: binary, args: ['--config', configFile], stopSignal: 'SIGTERM' };
}
