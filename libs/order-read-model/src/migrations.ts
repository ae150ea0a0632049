import { MigrationPlan } from '@headwater/sql';

/** The query model's schema. A shipped migration never changes. Indexes serve the list's filters, newest first. */
export const ORDER_READ_MODEL_MIGRATIONS: MigrationPlan = {
  owner: 'order-read-model',
  migrations: [
    {
      name: '0001-orders',
      sql: `CREATE TABLE IF NOT EXISTS orders (
      order_id text PRIMARY KEY,
      customer_id text NOT NULL,
      restaurant_id text NOT NULL,
      status text NOT NULL,
      currency text NOT NULL,
      amount int8 NOT NULL,
      debited int8 NOT NULL,
      voided int8 NOT NULL,
      void_confirmed bool NOT NULL,
      resolution text,
      payment_key text NOT NULL,
      reason text,
      void_attempts int8 NOT NULL,
      items text NOT NULL,
      created_on text NOT NULL,
      version int8 NOT NULL,
      position int8 NOT NULL,
      created_position int8 NOT NULL,
      updated_on text NOT NULL
    )`,
    },
    {
      name: '0002-orders-newest',
      sql: 'CREATE INDEX IF NOT EXISTS orders_newest ON orders (created_position DESC)',
    },
    {
      name: '0003-orders-by-customer',
      sql: 'CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer_id, created_position DESC)',
    },
    {
      name: '0004-orders-by-status',
      sql: 'CREATE INDEX IF NOT EXISTS orders_by_status ON orders (status, created_position DESC)',
    },
    {
      name: '0005-projections',
      sql: `CREATE TABLE IF NOT EXISTS projections (
      name text PRIMARY KEY,
      checkpoint int8 NOT NULL DEFAULT 0,
      epoch int8 NOT NULL DEFAULT 0,
      holder text,
      until timestamptz,
      stopped text
    )`,
    },
    {
      name: '0006-projection-orders',
      sql: `INSERT INTO projections (name) VALUES ('orders') ON CONFLICT (name) DO NOTHING`,
    },
    {
      name: '0007-parked-positions',
      sql: `CREATE TABLE IF NOT EXISTS parked_positions (
      position int8 PRIMARY KEY,
      reason text NOT NULL,
      requested_by text NOT NULL,
      requested_at timestamptz NOT NULL DEFAULT now()
    )`,
    },
    {
      name: '0008-read-model-versions',
      sql: `CREATE TABLE IF NOT EXISTS read_model_versions (
      version int8 PRIMARY KEY,
      state text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      changed_at timestamptz NOT NULL DEFAULT now(),
      changed_by text NOT NULL,
      reason text NOT NULL
    )`,
    },
    {
      name: '0009-first-read-model',
      sql: `INSERT INTO read_model_versions (version, state, changed_by, reason)
      SELECT 1, 'active', 'migration', 'the first'
       WHERE NOT EXISTS (SELECT 1 FROM read_model_versions) ON CONFLICT (version) DO NOTHING`,
    },
  ],
};
