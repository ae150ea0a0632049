import type { Pool } from 'pg';
import { inTransaction, Queryable } from '@headwater/sql';
import { COLUMNS, KEYS } from './columns';
import { ACTIVE, beside, OrderTable } from './order-table';

/**
 * `building`: on its way to the log's end; `ready`: there, and kept there; `active`: what the order API reads; `previous`:
 * was that before, and is kept at the log's end for a way back.
 */
export type VersionState = 'building' | 'ready' | 'active' | 'previous';

export interface ReadModelVersion {
  version: number;
  state: VersionState;
  /** Log position up to which its rows are complete. */
  checkpoint: number;
  /** Why it stands still, or null. */
  stopped: string | null;
  /** Process that writes it now, or null. */
  holder: string | null;
  /** Who has brought it into its state, when (RFC 3339) and why. */
  changedBy: string;
  changedAt: string;
  reason: string;
}

export interface ChangeOf {
  by: string;
  reason: string;
}

/** What was asked for can't be done as things are; the message says why. */
export class VersionRefused extends Error {
  override readonly name = 'VersionRefused';
}

/** Every version, oldest first. */
export async function listVersions(client: Queryable): Promise<ReadModelVersion[]> {
  const { rows } = await client.query<Omit<ReadModelVersion, 'changedAt'> & { changedAt: Date }>({
    name: 'list-versions',
    text: `
      SELECT v.version, v.state, p.checkpoint, p.stopped, v.reason,
             CASE WHEN p.until > clock_timestamp() THEN p.holder END AS holder,
             v.changed_by AS "changedBy", v.changed_at AS "changedAt"
        FROM read_model_versions v
        JOIN projections p
          ON p.name = CASE WHEN v.state = 'active' THEN '${ACTIVE.projection}' ELSE 'orders@' || v.version::text END
       ORDER BY v.version`,
  });
  return rows.map((row) => ({ ...row, changedAt: row.changedAt.toISOString() }));
}

/** Where the rows of a version are now. */
export const tableOf = ({ version, state }: Pick<ReadModelVersion, 'version' | 'state'>): OrderTable =>
  state === 'active' ? ACTIVE : beside(version);

/**
 * Makes an empty version beside the active one, for the projection to fill. If one is being built, or is ready, that is the
 * one: asking twice changes nothing.
 */
export async function beginVersion(pool: Pool, { by, reason }: ChangeOf): Promise<ReadModelVersion> {
  await inTransaction(pool, async (client) => {
    const versions = await lockVersions(client);
    if (versions.some(({ state }) => state === 'building' || state === 'ready')) return;
    const version = Math.max(0, ...versions.map((known) => known.version)) + 1;
    const { table, projection } = beside(version);
    await client.query(`CREATE TABLE ${table} (LIKE ${ACTIVE.table} INCLUDING ALL)`);
    for (const role of await readersOf(client)) await client.query(`GRANT SELECT ON ${table} TO ${role}`);
    await client.query('INSERT INTO projections (name) VALUES ($1)', [projection]);
    await client.query(
      `INSERT INTO read_model_versions (version, state, changed_by, reason) VALUES ($1, 'building', $2, $3)`,
      [version, by, reason],
    );
  });
  const begun = (await listVersions(pool)).find(({ state }) => state === 'building' || state === 'ready');
  if (!begun) throw new VersionRefused('the version was taken away again by somebody else');
  return begun;
}

/** One change of versions at a time. */
export async function lockVersions(client: Queryable): Promise<{ version: number; state: VersionState }[]> {
  // In an order, so that two commands never wait for each other; and read only then, with what the other has made.
  await client.query('SELECT 1 FROM read_model_versions ORDER BY version FOR UPDATE');
  const { rows } = await client.query<{ version: number; state: VersionState }>(
    'SELECT version, state FROM read_model_versions ORDER BY version',
  );
  return rows;
}

/** Roles that may read the active table, quoted; a new table gets them too, wherever its defaults come from. */
async function readersOf(client: Queryable): Promise<string[]> {
  const { rows } = await client.query<{ role: string }>(
    `SELECT DISTINCT quote_ident(grantee) AS role FROM information_schema.role_table_grants
      WHERE table_schema = current_schema() AND table_name = $1 AND privilege_type = 'SELECT'
        AND grantee <> current_user`,
    [ACTIVE.table],
  );
  return rows.map(({ role }) => role);
}

/** The version has reached the log's end for the first time. */
export async function markReady(client: Queryable, version: number): Promise<void> {
  await client.query(
    `UPDATE read_model_versions SET state = 'ready', changed_at = now() WHERE version = $1 AND state = 'building'`,
    [version],
  );
}

/** Removes a version that is not read; one that is gone already is no fault. */
export async function dropVersion(pool: Pool, version: number): Promise<void> {
  await inTransaction(pool, async (client) => {
    const known = (await lockVersions(client)).find((candidate) => candidate.version === version);
    if (known?.state === 'active')
      throw new VersionRefused(`version ${version} is the one that is read; it can't be dropped`);
    await removeVersion(client, version);
  });
}

/** Within a transaction that holds the versions. Its row in `projections` first: whoever fills it is stopped by that. */
export async function removeVersion(client: Queryable, version: number): Promise<void> {
  const { table, projection } = beside(version);
  await client.query('DELETE FROM projections WHERE name = $1', [projection]);
  await client.query('DELETE FROM read_model_versions WHERE version = $1', [version]);
  await client.query(`DROP TABLE IF EXISTS ${table}`);
}

export interface Comparison {
  /** Orders that both versions have up to the same position. */
  compared: number;
  /** Orders of which one version has a later event than the other has come to. */
  moving: number;
  different: number;
  /** Orders that only the active version has, or only the other. */
  onlyActive: number;
  onlyOther: number;
  /** Some of the orders that are not the same, with the columns that differ. */
  examples: { orderId: string; columns: string[] }[];
}

const EXAMPLES = 20;

/**
 * Compares a version with the active one row by row and column by column, in one statement and so at one moment, while both
 * move on. What one of them has from beyond the other's checkpoint is left out, and counted.
 */
export async function compareVersion(client: Queryable, version: number): Promise<Comparison> {
  const other = beside(version);
  const columns = KEYS.map((key) => COLUMNS[key].column);
  const differing = columns
    .map((column) => `CASE WHEN a.${column} IS DISTINCT FROM b.${column} THEN '${column}' END`)
    .join(', ');
  const { rows } = await client.query<
    Omit<Comparison, 'examples'> & { examples: Comparison['examples'] | null }
  >(`
    WITH bound AS (SELECT min(checkpoint) AS position, count(*) AS found FROM projections
                    WHERE name IN ('${ACTIVE.projection}', '${other.projection}')),
         pairs AS (
           SELECT coalesce(a.order_id, b.order_id) AS order_id,
                  a.order_id IS NULL AS added, b.order_id IS NULL AS missing,
                  greatest(a.position, b.position) > (SELECT position FROM bound) AS moving,
                  array_remove(ARRAY[${differing}], NULL) AS columns
             FROM ${ACTIVE.table} a FULL JOIN ${other.table} b ON a.order_id = b.order_id),
         settled AS (SELECT * FROM pairs WHERE NOT moving)
    SELECT (SELECT count(*) FROM settled WHERE NOT added AND NOT missing) AS compared,
           (SELECT count(*) FROM pairs WHERE moving) AS moving,
           (SELECT count(*) FROM settled WHERE NOT added AND NOT missing AND cardinality(columns) > 0) AS different,
           (SELECT count(*) FROM settled WHERE missing) AS "onlyActive",
           (SELECT count(*) FROM settled WHERE added) AS "onlyOther",
           (SELECT json_agg(json_build_object('orderId', order_id, 'columns', columns)) FROM (
              SELECT order_id, columns FROM settled WHERE cardinality(columns) > 0 ORDER BY order_id LIMIT ${EXAMPLES}
            ) AS chosen) AS examples`);
  const [row] = rows;
  if (!row) throw new Error('a comparison has one row');
  return { ...row, examples: row.examples ?? [] };
}

export const isSame = ({ different, onlyActive, onlyOther }: Comparison): boolean =>
  different + onlyActive + onlyOther === 0;
