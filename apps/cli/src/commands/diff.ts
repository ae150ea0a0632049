import { Applied } from '@headwater/jetstream-resources';
import { print } from '../table';
import { applyAll, ManifestOptions } from './apply';

/** Shows what applying would change, and changes nothing. Exit code 1 when something is not as declared. */
export async function diff(options: ManifestOptions): Promise<void> {
  const different = (await applyAll(options, true)).filter(({ outcome, fields }) =>
    outcome === 'observed' ? fields.length > 0 : outcome !== 'unchanged',
  );
  for (const result of different) print(describe(result));
  if (different.length > 0) process.exitCode = 1;
}

const SIGNS: Readonly<Record<Applied['outcome'], string>> = {
  created: '+',
  updated: '~',
  observed: '~',
  refused: '!',
  waiting: '!',
  missing: '-',
  unchanged: ' ',
};

function describe({ kind, name, outcome, changes, reason }: Applied): string {
  return [
    `${SIGNS[outcome]} ${kind} ${name}${outcome === 'created' ? ' is not there' : ''}`,
    ...changes.map(({ field, held, declared }) => `    ${field}: ${held} -> ${declared}`),
    ...(reason === undefined ? [] : [`    ${reason}`]),
  ].join('\n');
}
