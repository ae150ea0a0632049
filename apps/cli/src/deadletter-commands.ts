import { PARKING_REASONS } from '@headwater/contracts';
import { Command, Option } from 'commander';
import { duration } from './commands/dead-letter-filter';
import { listDeadLetters, showDeadLetter } from './commands/deadletters';
import { discardDeadLetters, redriveDeadLetters } from './commands/deadletters-settle';
import { aboveZero } from './option-values';

const json = new Option('--json', 'one JSON document instead of text');

/** `headwater deadletters …`: what could not be handled, and what is to become of it. */
export function addDeadLetterCommands(program: Command, eventStore: Option): void {
  const deadLetters = program
    .command('deadletters')
    .description(
      'messages that could not be handled: read them, send them to their worker again, give them up',
    );

  const chosen = (command: Command): Command =>
    command
      .argument('[id...]', 'numbers of dead letters')
      .addOption(eventStore)
      .option('--consumer <name>', 'of this consumer, for example payment-worker')
      .addOption(new Option('--parked-for <why>', 'parked for this reason').choices([...PARKING_REASONS]))
      .option('--aggregate <id>', 'of this aggregate, for example an order')
      .option('--older-than <age>', 'parked longer ago: 90s, 15m, 2h, 7d', duration)
      .option('--younger-than <age>', 'parked since then', duration);

  chosen(deadLetters.command('ls').description('list dead letters, those that wait unless told otherwise'))
    .addOption(
      new Option('--state <state>', 'open: parked or redriven')
        .choices(['open', 'parked', 'redriven', 'handled', 'discarded', 'parked-again', 'all'])
        .default('open'),
    )
    .option('--limit <n>', 'at most so many', aboveZero, 100)
    .addOption(json)
    .action(listDeadLetters);

  deadLetters
    .command('show')
    .description('one dead letter: what it was, why it failed, and what was done about it')
    .argument('<id>')
    .addOption(eventStore)
    .addOption(json)
    .action(showDeadLetter);

  const settled = (command: Command): Command =>
    chosen(command)
      .option('--all', 'all that wait')
      .option('--rate <n>', 'at most so many a second', aboveZero, 50)
      .option('--yes', 'do it; without it only the number is told')
      .option('--reason <text>', 'why; it is recorded, and must be given with --yes')
      .option('--by <name>', 'who; it is recorded', process.env['USER'] ?? 'unknown');

  settled(
    deadLetters
      .command('redrive')
      .description('send dead letters to the worker that failed, and to no other'),
  ).action(redriveDeadLetters);
  settled(
    deadLetters
      .command('discard')
      .description('give dead letters up for good; what waited behind them goes on'),
  ).action(discardDeadLetters);
}
