import { readDatabaseUrl } from '@headwater/platform';
import { runMigrations } from '@headwater/sql';
import { PAYMENT_MIGRATIONS } from './migrations';

runMigrations('payment simulator', PAYMENT_MIGRATIONS, readDatabaseUrl);
