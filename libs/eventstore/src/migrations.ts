import { MigrationPlan } from '@headwater/sql';

/** The event store's tables. One DDL statement each, repeatable, never changed once shipped. */
export const EVENTSTORE_MIGRATIONS: MigrationPlan = {
  owner: 'eventstore',
  migrations: [
    {
      // `head` is the counter row that serialises appends. `refused` says why nothing may be appended; `epoch` grows
      // whenever that changes. After a restore the runbook raises `restore_mark`; nothing is appended until the relay
      // has compared the log with its stream and recorded that mark in `compared_mark`.
      name: '0001-logs',
      sql: `CREATE TABLE IF NOT EXISTS logs (
              name text PRIMARY KEY,
              head int8 NOT NULL DEFAULT 0,
              epoch int8 NOT NULL DEFAULT 0,
              refused text,
              restore_mark int8 NOT NULL DEFAULT 0,
              compared_mark int8 NOT NULL DEFAULT 0
            )`,
    },
    {
      // Apart from the counter row: in one table the relay's updates collide with appends at SERIALIZABLE.
      name: '0002-relays',
      sql: `CREATE TABLE IF NOT EXISTS relays (
              log text PRIMARY KEY,
              relayed int8 NOT NULL DEFAULT 0,
              holder text,
              epoch int8 NOT NULL DEFAULT 0,
              until timestamptz,
              halted text
            )`,
    },
    {
      name: '0003-aggregates',
      sql: `CREATE TABLE IF NOT EXISTS aggregates (
              log text NOT NULL,
              aggregate_id text NOT NULL,
              aggregate_type text NOT NULL,
              version int8 NOT NULL,
              PRIMARY KEY (log, aggregate_id)
            )`,
    },
    {
      // `data` and `metadata` keep the bytes as sent; '' when there were none. `digest` is SHA-256, hex, of what makes
      // the event itself: log, type, aggregate and data.
      name: '0004-events',
      sql: `CREATE TABLE IF NOT EXISTS events (
              log text NOT NULL,
              position int8 NOT NULL,
              event_id text NOT NULL,
              event_type text NOT NULL,
              aggregate_id text NOT NULL,
              aggregate_type text NOT NULL,
              version int8 NOT NULL,
              data text NOT NULL,
              metadata text NOT NULL,
              digest text NOT NULL,
              recorded_at timestamptz NOT NULL,
              PRIMARY KEY (log, position),
              CONSTRAINT events_event_id_key UNIQUE (event_id),
              CONSTRAINT events_aggregate_version_key UNIQUE (log, aggregate_id, version)
            )`,
    },
  ],
};
