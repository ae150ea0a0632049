import { CommandFailed } from '../command-failed';
import { databaseUrlOf } from '../local-credentials';
import { runEntry } from '../run-entry';
import { print } from '../table';

/** Each owner of tables, its migration's entry point, and where its address stands. */
const OWNERS = [
  {
    name: 'event store',
    app: 'eventstore',
    user: 'eventstore',
    variable: 'HEADWATER_EVENTSTORE_DATABASE_URL',
  },
  {
    name: 'order read model',
    app: 'workers/projection',
    user: 'projection',
    variable: 'HEADWATER_READ_MODEL_DATABASE_URL',
  },
  {
    name: 'coordinator',
    app: 'coordinator',
    user: 'coordinator',
    variable: 'HEADWATER_COORDINATOR_DATABASE_URL',
  },
  {
    name: 'payment simulator',
    app: 'payment-simulator',
    user: 'payment_simulator',
    variable: 'HEADWATER_PAYMENTS_DATABASE_URL',
  },
];

export async function migrateAll(options: { dataDir: string }): Promise<void> {
  for (const { name, app, user, variable } of OWNERS) {
    const url = databaseUrlOf(user, variable, options.dataDir);
    print(`migrating the ${name}`);
    const code = await runEntry(app, 'migrate', [], { HEADWATER_DATABASE_URL: url });
    if (code !== 0) throw new CommandFailed(`the migrations of the ${name} failed; those before it are done`);
  }
}
