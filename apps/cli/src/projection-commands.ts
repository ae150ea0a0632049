import { Command, Option } from 'commander';
import { parkPosition } from './commands/projections';
import {
  dropProjection,
  listProjections,
  promoteProjection,
  rebuildProjection,
  rollBackProjection,
} from './commands/projection-versions';
import { integer } from './option-values';

/** `headwater projections …`: the read model, and versions of it that are built beside it. */
export function addProjectionCommands(program: Command, dataDir: Option): void {
  const projections = program
    .command('projections')
    .description('look after the read model: rebuild it beside the one that is read, switch, go back');
  const recorded = (command: Command): Command =>
    command
      .requiredOption('--reason <text>', 'why; it is recorded')
      .option('--by <name>', 'who; it is recorded', process.env['USER'] ?? 'unknown')
      .addOption(dataDir);

  projections
    .command('ls')
    .description('the versions of the read model and how far each is')
    .addOption(dataDir)
    .option('--json', 'one JSON document instead of text')
    .action(listProjections);
  recorded(
    projections
      .command('rebuild')
      .description('have a new version built from the log beside the one that is read, and compare them'),
  ).action(rebuildProjection);
  recorded(
    projections
      .command('promote')
      .description('switch to a version that is ready; the one before it stays as the way back')
      .argument('<version>', 'its number', integer)
      .option('--accept-differences', 'also when its rows are not the same'),
  ).action(promoteProjection);
  recorded(
    projections.command('rollback').description('switch back to the version that was read before'),
  ).action(rollBackProjection);
  projections
    .command('drop')
    .description('take a version away that is not read, finished or not')
    .argument('<version>', 'its number', integer)
    .addOption(dataDir)
    .action(dropProjection);
  recorded(
    projections
      .command('park')
      .description('leave one event out of the read model, so that the projection goes on')
      .argument('<position>', 'its log position', integer),
  ).action(parkPosition);
}
