import { ORDER_READ_MODEL_MIGRATIONS } from '@headwater/order-read-model';
import { readDatabaseUrl } from '@headwater/platform';
import { runMigrations } from '@headwater/sql';

runMigrations('order read model', ORDER_READ_MODEL_MIGRATIONS, readDatabaseUrl);
