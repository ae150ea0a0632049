import { MigrationPlan } from '@headwater/sql';

/**
 * The coordinator's own tables: a projection of the log that says which order is to be looked at when. What is decided
 * then follows from the order's history alone, so all of it can be thrown away and made anew from the log.
 */
export const COORDINATOR_MIGRATIONS: MigrationPlan = {
  owner: 'coordinator',
  migrations: [
    {
      // `version` is that of the event which began the wait.
      name: '0001-deadlines',
      sql: `CREATE TABLE IF NOT EXISTS deadlines (
              order_id text NOT NULL,
              step text NOT NULL,
              version int8 NOT NULL,
              due_at timestamptz NOT NULL,
              PRIMARY KEY (order_id, step)
            )`,
    },
    {
      name: '0002-deadlines-due',
      sql: 'CREATE INDEX IF NOT EXISTS deadlines_due ON deadlines (due_at)',
    },
    {
      name: '0003-coordinator',
      sql: `CREATE TABLE IF NOT EXISTS coordinator (
              name text PRIMARY KEY,
              checkpoint int8 NOT NULL DEFAULT 0,
              epoch int8 NOT NULL DEFAULT 0,
              holder text,
              until timestamptz
            )`,
    },
    {
      name: '0004-coordinator-orders',
      sql: `INSERT INTO coordinator (name) VALUES ('orders') ON CONFLICT (name) DO NOTHING`,
    },
  ],
};
