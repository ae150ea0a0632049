import { readDatabaseUrl } from '@headwater/platform';
import { runMigrations } from '@headwater/sql';
import { COORDINATOR_MIGRATIONS } from './migrations';

runMigrations('coordinator', COORDINATOR_MIGRATIONS, readDatabaseUrl);
