import type { Pool } from 'pg';
import { inTransaction, pause, Queryable, sqlState } from '@headwater/sql';
import { ACTIVE, beside } from './order-table';
import { ChangeOf, lockVersions, removeVersion, VersionRefused, VersionState } from './versions';

/** Longest wait for the other version to come to where the active one was stopped for the switch. */
const CATCH_UP_MS = 2_000;
const ATTEMPTS = 20;

/** How a switch came out: false when the version was the active one already. */
export interface Switched {
  version: number;
  switched: boolean;
  /** How long the read model stood still, milliseconds. */
  stoodStillMs: number;
}

/** Makes a version that is ready the one that is read; the one before it stays as the way back. */
export const promoteVersion = (pool: Pool, version: number, change: ChangeOf): Promise<Switched> =>
  switchTo(pool, change, 'previous', (versions) => {
    const candidate = versions.find((known) => known.version === version);
    if (!candidate) throw new VersionRefused(`there is no version ${version}`);
    if (candidate.state === 'building')
      throw new VersionRefused(`version ${version} is still being built; see headwater projections ls`);
    return candidate;
  });

/** Makes the version that was read before the one that is read again; the other stays, ready. */
export const rollBackVersion = (pool: Pool, change: ChangeOf): Promise<Switched> =>
  switchTo(pool, change, 'ready', (versions) => {
    const previous = versions.find(({ state }) => state === 'previous');
    if (!previous) throw new VersionRefused('there is no previous version to go back to');
    return previous;
  });

type Known = { version: number; state: VersionState };

/**
 * The switch is one transaction. It holds the active version still by its row in `projections`, waits until the other has
 * come at least as far, and exchanges the tables' names. Readers wait for the moment of the exchange, see the one or the
 * other, and never less than they have seen before.
 */
async function switchTo(
  pool: Pool,
  { by, reason }: ChangeOf,
  leaves: 'previous' | 'ready',
  choose: (versions: readonly Known[]) => Known,
): Promise<Switched> {
  const work = async (client: Queryable): Promise<Switched> => {
    const versions = await lockVersions(client);
    const next = choose(versions);
    if (next.state === 'active') return { version: next.version, switched: false, stoodStillMs: 0 };
    const active = versions.find(({ state }) => state === 'active');
    if (!active) throw new VersionRefused('no version is active');
    const other = beside(next.version);
    const old = beside(active.version);
    const began = performance.now();
    const checkpoint = await comeAsFar(client, next.version);
    // A reader that takes long must not make all the others queue behind this.
    await client.query(`SET LOCAL lock_timeout = '250ms'`);
    await client.query(`ALTER TABLE ${ACTIVE.table} RENAME TO ${old.table}`);
    await client.query(`ALTER TABLE ${other.table} RENAME TO ${ACTIVE.table}`);
    await client.query(
      `INSERT INTO projections (name, checkpoint, epoch)
       SELECT $2, checkpoint, epoch FROM projections WHERE name = $1`,
      [ACTIVE.projection, old.projection],
    );
    await client.query('DELETE FROM projections WHERE name = $1', [other.projection]);
    // Another epoch, and nobody's: whoever writes it now remembers rows of the other table.
    await client.query(
      `UPDATE projections SET checkpoint = $2, epoch = epoch + 1, holder = NULL, until = NULL, stopped = NULL
        WHERE name = $1`,
      [ACTIVE.projection, checkpoint],
    );
    for (const { version, state } of versions)
      if (leaves === 'previous' && state === 'previous' && version !== next.version)
        await removeVersion(client, version);
    const change = `UPDATE read_model_versions SET state = $2, changed_at = now(), changed_by = $3, reason = $4 WHERE version = $1`;
    await client.query(change, [active.version, leaves, by, reason]);
    await client.query(change, [next.version, 'active', by, reason]);
    return { version: next.version, switched: true, stoodStillMs: performance.now() - began };
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await inTransaction(pool, work);
    } catch (error) {
      // 55P03: the lock was not to be had; everybody who waited has gone on meanwhile.
      if (sqlState(error) !== '55P03') throw error;
      if (attempt === ATTEMPTS)
        throw new VersionRefused('somebody reads or writes the read model for too long; try again', {
          cause: error,
        });
      await pause(100);
    }
  }
}

/** Stops the active version and waits for the other; returns the other's checkpoint, which is held too. */
async function comeAsFar(client: Queryable, version: number): Promise<number> {
  const { rows } = await client.query<{ checkpoint: number }>(
    'SELECT checkpoint FROM projections WHERE name = $1 FOR UPDATE',
    [ACTIVE.projection],
  );
  const wanted = rows[0]?.checkpoint ?? 0;
  const read = async (suffix: string): Promise<{ checkpoint: number; stopped: string | null }> => {
    const answer = await client.query<{ checkpoint: number; stopped: string | null }>(
      `SELECT checkpoint, stopped FROM projections WHERE name = $1 ${suffix}`,
      [beside(version).projection],
    );
    return answer.rows[0] ?? { checkpoint: 0, stopped: null };
  };
  for (const deadline = performance.now() + CATCH_UP_MS; ;) {
    const { checkpoint, stopped } = await read('');
    if (stopped !== null) throw new VersionRefused(`version ${version} stands still: ${stopped}`);
    if (checkpoint >= wanted) return (await read('FOR UPDATE')).checkpoint;
    if (performance.now() > deadline)
      throw new VersionRefused(
        `version ${version} is ${wanted - checkpoint} positions behind and does not catch up; is the projection running?`,
      );
    await pause(5);
  }
}
