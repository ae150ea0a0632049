import { Pool } from 'pg';
import { inTransaction } from '@headwater/sql';
import { digestOf } from './digest';
import { LoggedEvent } from './read-after';

/** An event can't be put back behind the head of its log. Nothing of its batch has been. */
export class ImportRefused extends Error {
  override readonly name = 'ImportRefused';
}

/**
 * Puts events back that the log has lost, as they are found in its stream: the next positions, with their own ids,
 * versions and times. One transaction; appends can't come between, as the counter row is taken first.
 *
 * @param logged consecutive positions, the first right behind the head, with the digests that the log gave them
 * @throws ImportRefused when they do not follow the head, a version does not follow its aggregate's, or an event is not
 *   what its digest was made of: an altered body would be taken for the truth, and its producer's repetition for a clash
 */
export async function importEvents(pool: Pool, log: string, logged: readonly LoggedEvent[]): Promise<void> {
  for (const one of logged) checkDigest(log, one);
  const events = logged.map(({ event }) => event);
  const [first] = events;
  if (!first) return;
  await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      'UPDATE logs SET head = head + $2 WHERE name = $1 AND head = $3',
      [log, events.length, first.position - 1],
    );
    if (rowCount !== 1) throw new ImportRefused(`${log} does not end at ${first.position - 1} any more`);
    const { rows } = await client.query<{ aggregate_id: string; version: number }>(
      'SELECT aggregate_id, version FROM aggregates WHERE log = $1 AND aggregate_id = ANY ($2::text[])',
      [log, [...new Set(events.map(({ aggregateId }) => aggregateId))]],
    );
    const heads = new Map(rows.map((row) => [row.aggregate_id, row.version]));
    const types = new Map<string, string>();
    for (const { aggregateId, aggregateType, position, version } of events) {
      const last = heads.get(aggregateId) ?? 0;
      if (version !== last + 1)
        throw new ImportRefused(
          `position ${position} is version ${version} of ${aggregateId}, which is at ${last}`,
        );
      heads.set(aggregateId, version);
      types.set(aggregateId, aggregateType);
    }
    const changed = [...types.keys()];
    await client.query(
      `INSERT INTO aggregates (log, aggregate_id, aggregate_type, version)
       SELECT $1, id, type, version FROM unnest($2::text[], $3::text[], $4::int8[]) AS head (id, type, version)
       ON CONFLICT (log, aggregate_id) DO UPDATE SET version = excluded.version`,
      [log, changed, changed.map((id) => types.get(id)), changed.map((id) => heads.get(id))],
    );
    await client.query(
      `INSERT INTO events (log, position, event_id, event_type, aggregate_id, aggregate_type, version, data, metadata,
                           digest, recorded_at)
       SELECT $1, * FROM unnest($2::int8[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::text[],
                                $9::text[], $10::text[], $11::timestamptz[])`,
      [
        log,
        events.map(({ position }) => position),
        events.map(({ eventId }) => eventId),
        events.map(({ eventType }) => eventType),
        events.map(({ aggregateId }) => aggregateId),
        events.map(({ aggregateType }) => aggregateType),
        events.map(({ version }) => version),
        events.map(({ data }) => data),
        events.map(({ metadata }) => JSON.stringify(metadata)),
        logged.map(({ digest }) => digest),
        events.map(({ recordedAt }) => recordedAt),
      ],
    );
  });
}

function checkDigest(log: string, { event, digest }: LoggedEvent): void {
  const { position, eventId, eventType, aggregateId, aggregateType, data } = event;
  if (digestOf(log, eventType, aggregateId, aggregateType, data) !== digest)
    throw new ImportRefused(
      `position ${position} of ${log}, the event ${eventId}, is not what its digest ${digest || '(none)'} was made of`,
    );
}
