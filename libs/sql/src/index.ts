export { backoffMs, pause } from './backoff';
export {
  isCollision,
  isCompletionUnknown,
  isConnectionLost,
  isUnavailable,
  OutcomeUnknown,
  RetriesExhausted,
  sqlState,
} from './errors';
export { createPool, type PoolOptions, type Queryable, type Statement } from './pool';
export { parsePosition } from './position';
export { inTransaction, type Isolation, type TransactionOptions } from './transaction';
export {
  acquireLease,
  type HoldOptions,
  type Lease,
  type LeaseRow,
  releaseLease,
  renewLease,
  whileHolding,
} from './row-lease';
export {
  isMigrated,
  migrate,
  migrateDatabase,
  type Migration,
  type MigrationPlan,
  MigrationRefused,
} from './migrate';
export { runMigrations } from './migration-entry';
export { untilMigrated } from './until-migrated';
