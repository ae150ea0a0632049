import { Queryable } from '@headwater/sql';

/** Name of the projection's row in `projections`. */
export const PROJECTION = 'orders';

export interface ProjectionState {
  /** Log position up to which the rows are complete. */
  checkpoint: number;
  /** Of the lease under which it moves. */
  epoch: number;
  /** Why it stands still, or null. */
  stopped: string | null;
}

/** How far the read model is. */
export async function readCheckpoint(client: Queryable): Promise<ProjectionState> {
  const { rows } = await client.query<ProjectionState>({
    name: 'read-checkpoint',
    text: 'SELECT checkpoint, epoch, stopped FROM projections WHERE name = $1',
    values: [PROJECTION],
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
): Promise<void> {
  const { rowCount } = await client.query({
    name: 'advance-checkpoint',
    text: 'UPDATE projections SET checkpoint = $3, stopped = NULL WHERE name = $1 AND checkpoint = $2 AND epoch = $4',
    values: [PROJECTION, from, to, epoch],
  });
  if (rowCount !== 1) {
    throw new CheckpointLost(
      `the checkpoint is no longer ${from} under epoch ${epoch}; another replica has taken over`,
    );
  }
}

/** Records why the projection stands still, for everybody who looks. */
export async function recordStop(client: Queryable, reason: string): Promise<void> {
  await client.query('UPDATE projections SET stopped = $2 WHERE name = $1', [PROJECTION, reason]);
}
