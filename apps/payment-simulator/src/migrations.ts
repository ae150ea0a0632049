import { MigrationPlan } from '@headwater/sql';

/** The simulator's ledger. One DDL statement each, repeatable, never changed once shipped. */
export const PAYMENT_MIGRATIONS: MigrationPlan = {
  owner: 'payment-simulator',
  migrations: [
    {
      // `outcome` is what the first debit of the key came to, null when the key was voided before any; `amount` is in
      // minor units. What has been voided stays in the row: `voided_at` alone says that the money has gone back.
      name: '0001-payments',
      sql: `CREATE TABLE IF NOT EXISTS payments (
              key text PRIMARY KEY,
              outcome text CHECK (outcome IN ('debited', 'declined')),
              payment_id text,
              order_id text,
              customer_id text,
              amount int8,
              currency text,
              decline_code text,
              decline_message text,
              created_at timestamptz NOT NULL DEFAULT now(),
              voided_at timestamptz
            )`,
    },
  ],
};
