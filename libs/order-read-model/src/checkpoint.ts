import { Queryable } from '@headwater/sql';
import { ACTIVE, OrderTable } from './order-table';

export interface ProjectionState {
  /** Log position up to which the rows are complete. */
  checkpoint: number;
  /** Of the lease under which it moves. */
  epoch: number;
  /** Why it stands still, or null. */
  stopped: string | null;
}

/** How far the read model, or another version of it, is. */
export async function readCheckpoint(
  client: Queryable,
  { projection }: OrderTable = ACTIVE,
): Promise<ProjectionState> {
  const { rows } = await client.query<ProjectionState>({
    name: 'read-checkpoint',
    text: 'SELECT checkpoint, epoch, stopped FROM projections WHERE name = $1',
    values: [projection],
  });
  return rows[0] ?? { checkpoint: 0, epoch: 0, stopped: null };
}

/** Another replica has taken over, or applied these events already: the transaction must be rolled back. */
export class CheckpointLost extends Error {
  override readonly name = 'CheckpointLost';
}

/**
 * Moves the checkpoint within the transaction that wrote the rows.
 *
 * @param epoch of the lease under which the rows were computed; a newer holder's epoch refuses the move
 * @throws CheckpointLost
 */
export async function advanceCheckpoint(
  client: Queryable,
  from: number,
  to: number,
  epoch: number,
  { projection }: OrderTable = ACTIVE,
): Promise<void> {
  const { rowCount } = await client.query({
    name: 'advance-checkpoint',
    text: 'UPDATE projections SET checkpoint = $3, stopped = NULL WHERE name = $1 AND checkpoint = $2 AND epoch = $4',
    values: [projection, from, to, epoch],
  });
  if (rowCount !== 1) {
    throw new CheckpointLost(
      `the checkpoint is no longer ${from} under epoch ${epoch}; another replica has taken over`,
    );
  }
}

/** Records why the projection stands still, for everybody who looks. */
export async function recordStop(
  client: Queryable,
  reason: string,
  { projection }: OrderTable = ACTIVE,
): Promise<void> {
  await client.query('UPDATE projections SET stopped = $2 WHERE name = $1', [projection, reason]);
}

/**
 * First statement of every transaction that writes rows: a version that is being switched to holds this row, and then takes
 * the table's lock. Taken in the same order here, so that the two never wait for each other.
 */
export const lockCheckpoint = ({ projection }: OrderTable = ACTIVE): string =>
  `SELECT epoch FROM projections WHERE name = '${projection}' FOR UPDATE`;
