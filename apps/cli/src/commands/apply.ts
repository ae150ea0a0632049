import { apply as applyManifests, readManifests } from '@headwater/jetstream-resources';
import { CommandFailed } from '../command-failed';
import { connectAsDeclarations } from '../local-credentials';
import { print } from '../table';

export async function apply(options: {
  file: string[];
  nats: string;
  dataDir: string;
  dryRun?: boolean;
}): Promise<void> {
  const manifests = await readManifests(options.file);
  const connection = await connectAsDeclarations(options);
  try {
    const results = await applyManifests(connection, manifests, { dryRun: options.dryRun ?? false });
    for (const { kind, name, outcome, fields, reason } of results) {
      const changed = fields.length > 0 ? ` (${fields.join(', ')})` : '';
      print(`${kind} ${name} ${outcome}${changed}${reason === undefined ? '' : `: ${reason}`}`);
    }
    const failed = results.filter(({ outcome }) => outcome === 'refused' || outcome === 'waiting').length;
    if (failed > 0) throw new CommandFailed(`${failed} of ${results.length} could not be applied`);
  } finally {
    await connection.close();
  }
}
