import { readFile } from 'node:fs/promises';
import { convertNack, isNack, parseManifests } from '@headwater/jetstream-resources';
import { parseAllDocuments, stringify } from 'yaml';
import { CommandFailed } from '../command-failed';

/** Prints NACK's manifests as ours; what was dropped, changed or needs a hand goes to standard error. */
export async function convert(files: string[]): Promise<void> {
  const documents: unknown[] = [];
  const faults: string[] = [];
  for (const file of files) {
    for (const document of parseAllDocuments(await readFile(file, 'utf8'))) {
      if ('errors' in document && document.errors.length > 0) {
        faults.push(...document.errors.map(({ message }) => `${file}: ${message.split('\n')[0]}`));
        continue;
      }
      const value: unknown = document.toJS();
      if (value === null || value === undefined) continue;
      documents.push(convertOne(file, value, faults));
    }
  }
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.stdout.write(documents.map((document) => stringify(document, { lineWidth: 0 })).join('---\n'));
  if (faults.length > 0) throw new CommandFailed(`${faults.length} faults have to be mended by hand`);
}

/** Other kinds of a file stay as they are, so that it can be applied as a whole. */
function convertOne(file: string, value: unknown, faults: string[]): unknown {
  if (!isNack(value)) return value;
  const converted = convertNack(value);
  if (converted === undefined) {
    faults.push(`${file}: this kind of NACK's has no counterpart and is left as it is`);
    return value;
  }
  const { document, notes } = converted;
  const { name } = nameOf(document);
  for (const note of notes)
    process.stderr.write(`note: ${file}: ${String(document['kind'])} ${name}: ${note}\n`);
  faults.push(...parseManifests(JSON.stringify(document), file).filter((read) => typeof read === 'string'));
  return document;
}

const nameOf = ({ metadata }: Record<string, unknown>): { name: string } =>
  typeof metadata === 'object' && metadata !== null && 'name' in metadata
    ? { name: String(metadata.name) }
    : { name: 'without name' };
