import { Client } from 'pg';
import { migrateDatabase } from '@headwater/sql';
import { createTestDatabase, TestDatabase } from '@headwater/testing';
import { LOOK_UP } from './append';
import { GET_LOG } from './get-log';
import { EVENTSTORE_MIGRATIONS } from './migrations';
import { READ_AGGREGATE, READ_AGGREGATE_BACKWARDS, READ_EVENT } from './read-aggregate';
import { READ_LOG, READ_LOG_OF_TYPES } from './read-log';
import { READ_EVENT_IDS, READ_RELAY_LAG } from './relay-checkpoint';

/** What the planner chooses by itself where a table is large; nothing is forbidden to it here. */
let database: TestDatabase;
let client: Client;
beforeAll(async () => {
  database = await createTestDatabase();
  await migrateDatabase(database.url, EVENTSTORE_MIGRATIONS);
  client = new Client({ connectionString: database.url });
  await client.connect();
  // Two logs, so that the log alone selects nothing; ten events to an aggregate.
  await client.query(`INSERT INTO logs (name, head) VALUES ('A', 15000), ('B', 5000)`);
  await client.query(`INSERT INTO relays (log, relayed) VALUES ('A', 14000), ('B', 5000)`);
  await client.query(
    `INSERT INTO events
     SELECT log, p, log || '-' || p, log || (CASE WHEN p % 10 = 1 THEN '.created' ELSE '.changed' END),
            'a-' || (p - 1) / 10, 'thing', (p - 1) % 10 + 1, '{"n":1}', '{}', 'digest', now()
       FROM (SELECT 'A' AS log, generate_series(1, 15000) AS p
             UNION ALL SELECT 'B', generate_series(1, 5000)) AS positions`,
  );
  await client.query(
    `INSERT INTO aggregates
     SELECT log, aggregate_id, aggregate_type, max(version) FROM events GROUP BY 1, 2, 3`,
  );
  for (const table of ['logs', 'relays', 'events', 'aggregates']) await client.query(`ANALYZE ${table}`);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const READS: [string, string, string[], string[]][] = [
  ['the log', READ_LOG, ["'A'", '9000', '15000', '500', '262144'], ['events_pkey']],
  [
    'the log by type',
    READ_LOG_OF_TYPES,
    ["'A'", '9000', '14000', "'{A.created}'", '500', '262144'],
    ['events_pkey'],
  ],
  ['a history', READ_AGGREGATE, ["'A'", "'a-700'", '0', '500', '262144'], ['events_aggregate_version_key']],
  [
    'a history backwards',
    READ_AGGREGATE_BACKWARDS,
    ["'A'", "'a-700'", '9007199254740991', '1', '262144'],
    ['events_aggregate_version_key'],
  ],
  ['an event', READ_EVENT, ["'A-77'"], ['events_event_id_key']],
  ["a log's state", GET_LOG, ["'A'"], ['events_pkey']],
  [
    "an append's look-up",
    LOOK_UP,
    ["'A'", "'{A-1,A-2,x}'", "'{a-1,a-2}'"],
    ['events_event_id_key', 'aggregates_pkey'],
  ],
  ["a comparison's ids", READ_EVENT_IDS, ["'A'", '14001', '14500'], ['events_pkey']],
  ["the relay's lag", READ_RELAY_LAG, ["'A'", 'NULL'], ['events_pkey']],
];

describe.each(['force_custom_plan', 'force_generic_plan'])('%s', (mode) => {
  // A statement with a name is planned once for all values after its fifth run.
  test.each(READS)('the planner reads %s by an index', async (_what, text, values, indexes) => {
    await client.query(`SET plan_cache_mode = ${mode}`);
    await client.query(`PREPARE hot AS ${text}`);
    try {
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN EXECUTE hot (${values.join(', ')})`,
      );
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      for (const index of indexes) expect(plan).toContain(index);
      expect(plan).not.toMatch(/Seq Scan on (events|aggregates)/);
    } finally {
      await client.query('DEALLOCATE hot');
    }
  });
});
