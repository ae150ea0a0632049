import { Queryable } from '@headwater/sql';

/** What decides whether a log takes appends. */
export interface LogStanding {
  /** Position of the last event. */
  head: number;
  /** Why appends are refused, if they are. */
  refused: string | undefined;
  /** Raised after a restore of the database. */
  restoreMark: number;
  /** The mark that the latest comparison with the stream has seen; appends need it to equal `restoreMark`. */
  comparedMark: number;
}

export async function readLogStanding(client: Queryable, log: string): Promise<LogStanding | undefined> {
  const { rows } = await client.query<{
    head: number;
    refused: string | null;
    restore_mark: number;
    compared_mark: number;
  }>('SELECT head, refused, restore_mark, compared_mark FROM logs WHERE name = $1', [log]);
  const row = rows[0];
  return (
    row && {
      head: row.head,
      refused: row.refused ?? undefined,
      restoreMark: row.restore_mark,
      comparedMark: row.compared_mark,
    }
  );
}

/**
 * Refuses every append to the log, on all replicas: they check the row in the update that gives out positions.
 *
 * @param reason shown to whoever appends
 */
export async function refuseAppends(client: Queryable, log: string, reason: string): Promise<void> {
  await client.query(
    'UPDATE logs SET refused = $2, epoch = epoch + 1 WHERE name = $1 AND refused IS DISTINCT FROM $2',
    [log, reason],
  );
}

/**
 * Takes appends again, after log and stream were found to agree.
 *
 * @param comparedMark the restore mark as it was read before the comparison; a newer restore stays refused
 */
export async function allowAppends(client: Queryable, log: string, comparedMark: number): Promise<void> {
  await client.query(
    `UPDATE logs SET refused = NULL, epoch = epoch + 1, compared_mark = greatest(compared_mark, $2)
      WHERE name = $1 AND restore_mark <= $2 AND (refused IS NOT NULL OR compared_mark < $2)`,
    [log, comparedMark],
  );
}
