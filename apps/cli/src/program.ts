import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { apply } from './commands/apply';
import { check } from './commands/check';
import { applyCrds, DEFAULT_FOLDER } from './commands/crds';
import { createCredentials } from './commands/credentials';
import { createDatabases } from './commands/databases';
import { convert } from './commands/convert';
import { diff } from './commands/diff';
import { lag } from './commands/lag';
import { migrateAll } from './commands/migrate';
import { cancelOrder, createOrder, getOrder, listOrders } from './commands/orders';
import { readLog } from './commands/read-log';
import { repair } from './commands/repair';
import { resolveOrder } from './commands/resolve';
import { trace } from './commands/trace';
import { up } from './commands/up';
import { addDeadLetterCommands } from './deadletter-commands';
import { withLocalAddresses } from './local-addresses';
import { addProjectionCommands } from './projection-commands';
import { integer } from './option-values';
import { ROOT } from './root';

/** Ports go up to 65535, and the highest of the platform's own is 50051. */
const offset = (text: string): number => {
  const value = integer(text);
  if (value > 15_000) throw new InvalidArgumentError('must be 15000 or less, so that every port exists');
  return value;
};

/** Where the platform is; each may also stand in the environment. Ports are those that it was started on last. */
const api = new Option('--api <url>', 'order API').env('HEADWATER_API').default('http://127.0.0.1:3000');
const eventStore = new Option('--eventstore <host:port>', 'event store')
  .env('HEADWATER_EVENTSTORE_ADDRESS')
  .default('127.0.0.1:50051');
const nats = new Option('--nats <url>', 'NATS server')
  .env('HEADWATER_NATS_URL')
  .default('nats://127.0.0.1:4222');
const dataDir = new Option('--data-dir <folder>', 'data of the local platform')
  .env('HEADWATER_DATA_DIR')
  .default(join(ROOT, '.headwater'), '.headwater in the repository');
const portOffset = new Option('--port-offset <n>', 'shifts every port of the local platform')
  .env('HEADWATER_PORT_OFFSET')
  .default(0)
  .argParser(offset);
const json = new Option('--json', 'one JSON document instead of text');

export function buildProgram(): Command {
  const program = new Command('headwater')
    .description('Runs and inspects the Headwater order platform.')
    .showHelpAfterError('(headwater --help lists the commands)')
    .configureHelp({ showGlobalOptions: true })
    .hook('preAction', (_program, command) => withLocalAddresses(command));

  program
    .command('up')
    .description(
      'run the whole platform on this machine, with embedded PostgreSQL and nats-server, until Ctrl-C',
    )
    .addOption(dataDir)
    .addOption(portOffset)
    .option('--once', 'place one order, show how it is approved, and end')
    .action(up);

  const orders = program.command('orders').description('place and read orders');
  orders
    .command('create')
    .description('place an order; without --file a small example')
    .addOption(api)
    .option('--file <file>', 'JSON body of the order, - for standard input')
    .option('--customer <id>', 'customer of the example order', 'customer-1')
    .option('--key <key>', 'idempotency key: the same again creates nothing new')
    .option('--wait', 'wait until it has ended')
    .addOption(json)
    .action(createOrder);
  orders
    .command('get')
    .description('show an order')
    .argument('<id>')
    .addOption(api)
    .addOption(json)
    .action(getOrder);
  orders
    .command('ls')
    .description('list orders, newest first')
    .addOption(api)
    .option('--customer <id>')
    .option('--status <status>')
    .option('--limit <n>', 'at most so many', integer, 20)
    .addOption(json)
    .action(listOrders);

  orders
    .command('cancel')
    .description('ask for an order to be cancelled, as long as it is not approved')
    .argument('<id>')
    .requiredOption('--reason <text>', 'why; it becomes part of its history')
    .option('--wait', 'wait until it has ended')
    .addOption(api)
    .action(cancelOrder);
  orders
    .command('resolve')
    .description('record how a person has settled an order that needs attention')
    .argument('<id>')
    .addOption(eventStore)
    .option('--voided', 'the provider holds no money any more')
    .option('--written-off', 'the money is given up')
    .requiredOption('--reason <text>', 'why; it is recorded')
    .option('--by <name>', 'who; it is recorded', process.env['USER'] ?? 'unknown')
    .action(resolveOrder);

  program
    .command('trace')
    .description('one timeline of an order: events, positions, times, and who handled what')
    .argument('<order>')
    .addOption(api)
    .addOption(json)
    .action(trace);

  program
    .command('lag')
    .description('how far logs, relay and consumers are behind, and whether that grows')
    .addOption(eventStore)
    .addOption(nats)
    .addOption(dataDir)
    .option('--seconds <n>', 'time between the two looks that the trend is taken from', integer, 1)
    .addOption(json)
    .action(lag);

  program
    .command('apply')
    .description('make JetStream equal to Stream and Consumer manifests')
    .requiredOption('-f, --file <file...>', 'files or folders with YAML')
    .addOption(nats)
    .addOption(dataDir)
    .option('--dry-run', 'show what would change and change nothing')
    .action(apply);
  program
    .command('diff')
    .description('show what apply would change, and change nothing; exit code 1 when something differs')
    .requiredOption('-f, --file <file...>', 'files or folders with YAML')
    .addOption(nats)
    .addOption(dataDir)
    .action(diff);
  program
    .command('convert')
    .description(
      "print NACK's manifests (jetstream.nats.io) as Headwater's; what changes is told beside them",
    )
    .argument('<file...>', 'files with YAML')
    .action(convert);

  program
    .command('migrate')
    .description(
      "run every owner's migrations; addresses come from the local platform's data or the environment",
    )
    .addOption(dataDir)
    .action(migrateAll);

  const log = program.command('log').description('look after a log of the event store');
  log
    .command('read')
    .description('print the events of a log, one JSON document a line')
    .argument('<log>', 'ORDERS or DEADLETTERS')
    .addOption(eventStore)
    .option('--after <position>', 'begin behind this position', integer, 0)
    .option('--limit <n>', 'at most so many', integer, 100)
    .action(readLog);
  log
    .command('repair')
    .description('bring a log and its stream together again after a divergence')
    .argument('<log>', 'ORDERS or DEADLETTERS')
    .addOption(nats)
    .addOption(dataDir)
    .option(
      '--rebuild-stream',
      "delete a stream that is not the log's, so that it is declared again and filled from the log",
    )
    .action(repair);

  addDeadLetterCommands(program, eventStore);

  addProjectionCommands(program, dataDir);

  program
    .command('check')
    .description(
      'see whether the platform does its work: an order is approved, gRPC serves, resources are ready',
    )
    .addOption(api)
    .addOption(eventStore)
    .option('--resources', "also the Stream and Consumer resources of the pod's namespace")
    .option('--fail', 'place an order that will not be approved, to see that this can fail')
    .action(check);

  addClusterCommands(program);
  return program;
}

/** What the charts' Jobs run; of no use on a laptop. */
function addClusterCommands(program: Command): void {
  program
    .command('credentials', { hidden: true })
    .command('create')
    .description('make the Secrets of a bundled NATS and PostgreSQL where they are not there yet')
    .requiredOption('--nats-secret <name>')
    .requiredOption('--database-secret <name>')
    .requiredOption('--database-host <host>')
    .action(createCredentials);
  program
    .command('databases', { hidden: true })
    .command('create')
    .description('make the databases and users of the platform where they are not there yet')
    .requiredOption('--host <host>')
    .requiredOption('--passwords <folder>', 'a file for each password')
    .option('--port <n>', 'port of PostgreSQL', integer, 5432)
    .option('--patience <seconds>', 'how long to wait for the server', integer, 600)
    .action(createDatabases);
  program
    .command('crds', { hidden: true })
    .command('apply')
    .description("bring a cluster's CRDs to those of this release")
    .option('--folder <folder>', 'where they are', DEFAULT_FOLDER)
    .action(applyCrds);
}
