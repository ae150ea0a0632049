import { CommandFailed } from '../command-failed';
import { connectAsDeclarations, databaseUrlOf, natsUser } from '../local-credentials';
import { runEntry } from '../run-entry';

export interface RepairOptions {
  nats: string;
  dataDir: string;
  rebuildStream?: boolean;
}

export async function repair(log: string, options: RepairOptions): Promise<void> {
  // The repair itself would wait for NATS for ever, as every process of the platform does.
  await (await connectAsDeclarations(options)).close();
  const { user, pass } = natsUser(options.dataDir);
  const code = await runEntry(
    'eventstore',
    'repair',
    [log, ...(options.rebuildStream ? ['--rebuild-stream'] : [])],
    {
      HEADWATER_DATABASE_URL: databaseUrlOf(
        'eventstore',
        'HEADWATER_EVENTSTORE_DATABASE_URL',
        options.dataDir,
      ),
      HEADWATER_NATS_URL: options.nats,
      ...(pass === undefined ? {} : { HEADWATER_NATS_USER: user, HEADWATER_NATS_PASSWORD: pass }),
    },
  );
  if (code !== 0) throw new CommandFailed(`${log} is not repaired`);
}
