import { Queryable } from '@headwater/sql';

/** A person's order to leave one event out of the read model. */
export interface ParkRequest {
  position: number;
  reason: string;
  by: string;
}

/** Asks the projection to leave out the event at this position; asking twice changes nothing. */
export async function requestPark(pool: Queryable, request: ParkRequest): Promise<void> {
  await pool.query(
    'INSERT INTO parked_positions (position, reason, requested_by) VALUES ($1, $2, $3) ON CONFLICT (position) DO NOTHING',
    [request.position, request.reason, request.by],
  );
}

/** The request for this position, or undefined. */
export async function findPark(client: Queryable, position: number): Promise<ParkRequest | undefined> {
  const { rows } = await client.query<{ reason: string; requested_by: string }>(
    'SELECT reason, requested_by FROM parked_positions WHERE position = $1',
    [position],
  );
  const row = rows[0];
  return row && { position, reason: row.reason, by: row.requested_by };
}
