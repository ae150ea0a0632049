/**
 * The query model's schema, one DDL statement each. A shipped one never changes.
 * Indexes cover every combination of the list's filters, newest first.
 */
export const ORDER_READ_MODEL_MIGRATIONS: readonly { id: string; sql: string }[] = [
  {
    id: '0001-orders',
    sql: `CREATE TABLE orders (
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
  { id: '0002-orders-newest', sql: 'CREATE INDEX orders_newest ON orders (created_position DESC)' },
  {
    id: '0003-orders-by-customer',
    sql: 'CREATE INDEX orders_by_customer ON orders (customer_id, created_position DESC)',
  },
  {
    id: '0004-orders-by-status',
    sql: 'CREATE INDEX orders_by_status ON orders (status, created_position DESC)',
  },
  {
    id: '0005-projections',
    sql: `CREATE TABLE projections (
      name text PRIMARY KEY,
      checkpoint int8 NOT NULL DEFAULT 0,
      epoch int8 NOT NULL DEFAULT 0,
      holder text,
      until timestamptz,
      stopped text
    )`,
  },
  {
    id: '0006-projection-orders',
    sql: `INSERT INTO projections (name) VALUES ('orders') ON CONFLICT (name) DO NOTHING`,
  },
  {
    id: '0007-parked-positions',
    sql: `CREATE TABLE parked_positions (
      position int8 PRIMARY KEY,
      reason text NOT NULL,
      requested_by text NOT NULL,
      requested_at timestamptz NOT NULL DEFAULT now()
    )`,
  },
];
