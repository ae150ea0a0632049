import { execFile } from 'node:child_process';
import { access, constants, mkdir, rename, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir, SetupError } from './cache';
import { tellWhile } from './tell-while';

const run = promisify(execFile);

export const executable = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );

/** The first executable file of that name in the folders of PATH. */
export async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    const candidate = join(folder, name);
    if (await executable(candidate)) return candidate;
  }
  return undefined;
}

/** Where a tool that is built once per machine lies. */
export const builtTool = (name: string, version: string): string =>
  join(cacheDir(), 'tools', `${name}-${version}`);

export interface GoBuild {
  name: string;
  version: string;
  /** Folder of the pinned Go module. */
  moduleDir: string;
  /** The main package, as the module knows it. */
  package: string;
  /** Settings of the linker beside those that leave out debug information. */
  ldflags?: readonly string[];
  /** `about half a minute` */
  duration: string;
  progress: (line: string) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Builds a tool with Go into the cache folder, unless it is there.
 *
 * @throws SetupError
 */
export async function buildWithGo(build: GoBuild): Promise<string> {
  const { name, version, progress, signal } = build;
  const target = builtTool(name, version);
  if (await executable(target)) return target;
  progress(`building ${name} ${version} with Go, once per machine (${build.duration})`);
  await mkdir(dirname(target), { recursive: true });
  const partial = `${target}.${process.pid}`;
  try {
    const ldflags = ['-s', '-w', ...(build.ldflags ?? [])].join(' ');
    const building = run('go', ['build', '-trimpath', `-ldflags=${ldflags}`, '-o', partial, build.package], {
      cwd: build.moduleDir,
      env: { ...process.env, GOFLAGS: '-mod=readonly', CGO_ENABLED: '0' },
      maxBuffer: 64 * 1024 * 1024,
      ...(signal ? { signal } : {}),
    });
    await tellWhile(building, (seconds) => progress(`still building ${name} after ${seconds} s`));
    // Atomic, so that two first starts side by side do not meet half a binary.
    await rename(partial, target);
  } catch (cause) {
    await rm(partial, { force: true });
    const text = cause instanceof Error ? cause.message : String(cause);
    const detail = /no space left/i.test(text)
      ? 'the disk is full; free some space and start again'
      : text.split('\n').filter(Boolean).pop();
    throw new SetupError(`building ${name} with Go failed: ${detail}`, { cause });
  }
  return target;
}
