import { Applied, apply as applyManifests, readManifests } from '@headwater/jetstream-resources';
import { CommandFailed } from '../command-failed';
import { connectAsDeclarations } from '../local-credentials';
import { print } from '../table';

export interface ManifestOptions {
  file: string[];
  nats: string;
  dataDir: string;
}

export async function apply(options: ManifestOptions & { dryRun?: boolean }): Promise<void> {
  const dryRun = options.dryRun ?? false;
  const results = await applyAll(options, dryRun);
  for (const result of results) print(describe(result, dryRun));
  const failed = results.filter(({ outcome }) => outcome === 'refused' || outcome === 'waiting').length;
  if (failed > 0) {
    throw new CommandFailed(`${failed} of ${results.length} ${dryRun ? 'could' : 'can'} not be applied`);
  }
}

/** Applies every manifest of the files, or only says what that would do. */
export async function applyAll(options: ManifestOptions, dryRun: boolean): Promise<Applied[]> {
  const manifests = await readManifests(options.file);
  const connection = await connectAsDeclarations(options);
  try {
    return await applyManifests(connection, manifests, { dryRun });
  } finally {
    await connection.close();
  }
}

function describe({ kind, name, outcome, fields, reason }: Applied, dryRun: boolean): string {
  const done = dryRun && (outcome === 'created' || outcome === 'updated') ? `would be ${outcome}` : outcome;
  const changed = fields.length > 0 ? ` (${fields.join(', ')})` : '';
  return `${kind} ${name} ${done}${changed}${reason === undefined ? '' : `: ${reason}`}`;
}
