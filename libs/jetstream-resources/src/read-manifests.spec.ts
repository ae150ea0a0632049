import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManifestError, readManifests } from './read-manifests';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-manifests-'));
});
afterEach(() => rm(folder, { recursive: true }));

const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
const stream = (name: string, spec = ''): string =>
  `apiVersion: jetstream.headwater.dev/v1alpha1\nkind: Stream\nmetadata: { name: ${name.toLowerCase()} }\nspec:\n  name: ${name}\n${spec}`;

test('reads files and folders with several documents', async () => {
  await write('b.yaml', `${stream('B')}---\n${stream('C')}---\n`);
  await write('a.yml', stream('A', '  maxAge: 24h\n'));
  await write('notes.txt', 'no manifest');
  const names = (await readManifests([folder])).map((manifest) => manifest.metadata.name);
  expect(names).toEqual(['a', 'b', 'c']);
});

test('every fault names file, kind, name and field', async () => {
  await write(
    'a.yaml',
    `${stream('A', '  maxAge: 1 day\n  denyPurge: yes please\n')}---\n${stream('B', '  maxMessages: 4\n')}`,
  );
  const file = join(folder, 'a.yaml');
  const error = await readManifests([file]).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ManifestError);
  const { faults } = error as ManifestError;
  expect(faults).toHaveLength(3);
  expect(faults[0]).toContain(`${file}: Stream a: spec.maxAge: must be a duration`);
  expect(faults[1]).toContain(`${file}: Stream a: spec.denyPurge: `);
  expect(faults[2]).toMatch(/Stream b: spec: .*maxMessages/);
});

test.each([
  ['kind: Stream', 'apiVersion'],
  ['kind: Bucket\nmetadata: { name: x }', 'Bucket x'],
  ['[', 'a.yaml'],
  ['just text', 'object without kind'],
])('refuses %j', async (text, mention) => {
  await write('a.yaml', text);
  await expect(readManifests([folder])).rejects.toThrow(mention);
});

test('one stream declared twice is a fault, and so is a path that is not there', async () => {
  await write('a.yaml', stream('A'));
  await write('b.yaml', stream('A'));
  await expect(readManifests([folder])).rejects.toThrow(/b\.yaml: Stream A is declared in .*a\.yaml/);
  await expect(readManifests([join(folder, 'none')])).rejects.toThrow(ManifestError);
});
