import { LeaseRow, Queryable } from '@headwater/sql';

/** The row that holds both the lease and the log position up to which the deadlines are complete. */
const NAME = 'orders';
export const COORDINATOR_LEASE: LeaseRow = { table: 'coordinator', keyColumn: 'name', key: NAME };

/** Another replica has taken over, or the deadlines are being made anew: the transaction must be rolled back. */
export class CheckpointLost extends Error {
  override readonly name = 'CheckpointLost';
}

/** Log position up to which the deadlines are complete, and the epoch of whoever works on them. */
export async function readProgress(client: Queryable): Promise<{ checkpoint: number; epoch: number }> {
  const { rows } = await client.query<{ checkpoint: number; epoch: number }>({
    name: 'read-progress',
    text: 'SELECT checkpoint, epoch FROM coordinator WHERE name = $1',
    values: [NAME],
  });
  return rows[0] ?? { checkpoint: 0, epoch: 0 };
}

/**
 * Moves the checkpoint within the transaction that wrote the deadlines.
 *
 * @throws CheckpointLost
 */
export async function advanceProgress(
  client: Queryable,
  from: number,
  to: number,
  epoch: number,
): Promise<void> {
  const { rowCount } = await client.query({
    name: 'advance-progress',
    text: 'UPDATE coordinator SET checkpoint = $3 WHERE name = $1 AND checkpoint = $2 AND epoch = $4',
    values: [NAME, from, to, epoch],
  });
  if (rowCount !== 1)
    throw new CheckpointLost(
      `the checkpoint is no longer ${from} under epoch ${epoch}; another replica has it`,
    );
}

/** Lets whoever works begin again from the log's start; a holder's next transaction is refused by the epoch. */
export async function resetProgress(client: Queryable): Promise<void> {
  await client.query(
    'UPDATE coordinator SET checkpoint = 0, epoch = epoch + 1, holder = NULL, until = NULL WHERE name = $1',
    [NAME],
  );
}
