import { EVENTSTORE_MIGRATIONS } from '@headwater/eventstore';
import { readDatabaseUrl } from '@headwater/platform';
import { runMigrations } from '@headwater/sql';

runMigrations('event store', EVENTSTORE_MIGRATIONS, readDatabaseUrl);
