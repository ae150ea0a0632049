import {
  beginVersion,
  compareVersion,
  type Comparison,
  dropVersion,
  isSame,
  listVersions,
  promoteVersion,
  type ReadModelVersion,
  rollBackVersion,
  type Switched,
  VersionRefused,
} from '@headwater/order-read-model';
import { createPool, isUnavailable, sqlState } from '@headwater/sql';
import type { Pool } from 'pg';
import { CommandFailed } from '../command-failed';
import { databaseUrlOf } from '../local-credentials';
import { print, table } from '../table';

export interface VersionOptions {
  dataDir: string;
  json?: boolean;
}

export interface ChangeOptions extends VersionOptions {
  reason: string;
  by: string;
}

const LOOK_MS = 250;
const TELL_MS = 1_000;
/** Without any progress for so long, somebody should be told why. */
const STUCK_MS = 15_000;

/** Lists the versions of the read model, and how far each is. */
export async function listProjections(options: VersionOptions): Promise<void> {
  const versions = await withReadModel(options.dataDir, listVersions);
  if (options.json) return print(JSON.stringify(versions));
  print(
    table(
      ['VERSION', 'STATE', 'POSITION', 'BEHIND', 'HOLDER', 'SINCE', 'BY', 'REASON', ''],
      versions.map((known) => [
        known.version,
        known.state,
        known.checkpoint,
        Math.max(0, headOf(versions) - known.checkpoint),
        known.holder ?? '-',
        known.changedAt,
        known.changedBy,
        known.reason,
        known.stopped ?? '',
      ]),
    ),
  );
}

const headOf = (versions: readonly ReadModelVersion[]): number =>
  versions.find(({ state }) => state === 'active')?.checkpoint ?? 0;

/** Has a new version built beside the one that is read, tells how it goes, and compares the two when it is there. */
export async function rebuildProjection(options: ChangeOptions): Promise<void> {
  recorded(options);
  await withReadModel(options.dataDir, async (pool) => {
    const known = await listVersions(pool);
    const begun = await beginVersion(pool, options);
    const { version } = begun;
    if (known.some((before) => before.version === version))
      print(`version ${version} was begun already by ${begun.changedBy}: ${begun.reason}`);
    else print(`version ${version} is begun; the projection builds it, whether this command goes on or not`);
    await untilReady(pool, version);
    const comparison = await compareVersion(pool, version);
    print(describe(version, comparison));
    print(
      isSame(comparison)
        ? `\nit can be switched to: headwater projections promote ${version} --reason "why"`
        : `\nlook at the differences, then: headwater projections promote ${version} --reason "why" --accept-differences\n` +
            `or take it away: headwater projections drop ${version}`,
    );
  });
}

async function untilReady(pool: Pool, version: number): Promise<void> {
  let told = 0;
  let last = { at: performance.now(), checkpoint: 0 };
  let moved = performance.now();
  for (let seen = -1; ;) {
    const versions = await listVersions(pool);
    const known = versions.find((candidate) => candidate.version === version);
    if (!known) throw new CommandFailed(`version ${version} was taken away by somebody else`);
    if (known.stopped !== null) throw new CommandFailed(`version ${version} is ${known.stopped}`);
    const now = performance.now();
    if (seen === -1) last = { at: now, checkpoint: known.checkpoint };
    if (known.checkpoint !== seen) moved = now;
    seen = known.checkpoint;
    const done = known.state !== 'building';
    if (done || now - told > TELL_MS) {
      const rate = ((known.checkpoint - last.checkpoint) * 1000) / Math.max(1, now - last.at);
      print(progress(known, headOf(versions), rate));
      if (now - moved > STUCK_MS)
        print('nothing moves: is the projection running? It goes on by itself as soon as it is');
      told = now;
      last = { at: now, checkpoint: known.checkpoint };
    }
    if (done) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** @param rate events a second */
export function progress(
  { version, checkpoint, state }: Pick<ReadModelVersion, 'version' | 'checkpoint' | 'state'>,
  head: number,
  rate: number,
): string {
  const share = head === 0 ? 100 : Math.min(100, Math.floor((checkpoint * 100) / head));
  const left = Math.max(0, head - checkpoint);
  const rest = left === 0 || rate < 1 ? '' : `, ${Math.ceil(left / rate)} s left`;
  const pace = rate < 1 ? '' : `, ${Math.round(rate)} events/s`;
  return `version ${version}: ${checkpoint} of ${Math.max(head, checkpoint)} (${share} %)${pace}${rest}${state === 'building' ? '' : `, ${state}`}`;
}

const describe = (version: number, found: Comparison): string =>
  [
    `compared with the version that is read, row by row: ${found.compared} orders in both, ${found.different} different, ` +
      `${found.onlyActive} missing in version ${version}, ${found.onlyOther} only in it; ${found.moving} in motion left out`,
    ...found.examples.map(({ orderId, columns }) => `  ${orderId}: ${columns.join(', ')}`),
  ].join('\n');

/** Compares once more, and switches: the order API reads the version from one moment to the next. */
export async function promoteProjection(
  version: number,
  options: ChangeOptions & { acceptDifferences?: boolean },
): Promise<void> {
  recorded(options);
  await withReadModel(options.dataDir, async (pool) => {
    const known = (await listVersions(pool)).find((candidate) => candidate.version === version);
    if (known && known.state !== 'active' && known.state !== 'building') {
      const comparison = await compareVersion(pool, version);
      print(describe(version, comparison));
      if (!isSame(comparison) && !options.acceptDifferences)
        throw new CommandFailed(
          `version ${version} is not the same; nothing has been switched. --accept-differences switches all the same`,
        );
    }
    tell(await promoteVersion(pool, version, options));
  });
}

/** Switches back to the version that was read before. */
export async function rollBackProjection(options: ChangeOptions): Promise<void> {
  recorded(options);
  await withReadModel(options.dataDir, async (pool) => tell(await rollBackVersion(pool, options)));
}

function tell({ version, switched, stoodStillMs }: Switched): void {
  print(
    switched
      ? `version ${version} is read now; the read model stood still for ${Math.ceil(stoodStillMs)} ms, and was answering all the time`
      : `version ${version} is read already`,
  );
}

/** Removes a version that is not read, whether it is finished or not. */
export async function dropProjection(version: number, options: VersionOptions): Promise<void> {
  await withReadModel(options.dataDir, (pool) => dropVersion(pool, version));
  print(`there is no version ${version} any more`);
}

function recorded({ reason, by }: ChangeOptions): void {
  if (reason.trim() === '' || by.trim() === '')
    throw new CommandFailed('--reason and --by are recorded and can not be empty');
}

const UNDEFINED_TABLE = '42P01';

/** Work on the read model's database, as its owner. Comparing may take as long as it takes. */
async function withReadModel<T>(dataDir: string, work: (pool: Pool) => Promise<T>): Promise<T> {
  const url = databaseUrlOf('projection', 'HEADWATER_READ_MODEL_DATABASE_URL', dataDir);
  const pool = createPool({ url, applicationName: 'headwater-cli', max: 2, statementTimeoutMs: 0 });
  try {
    return await work(pool);
  } catch (cause) {
    if (cause instanceof VersionRefused) throw new CommandFailed(cause.message, { cause });
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (sqlState(cause) === UNDEFINED_TABLE)
      throw new CommandFailed(`the read model's migrations have not run: ${reason}`, { cause });
    if (isUnavailable(cause))
      throw new CommandFailed(`the read model's database can not serve now: ${reason}`, { cause });
    throw cause;
  } finally {
    await pool.end();
  }
}
