// `npm run generate`: everything in the repository that follows from something else. With --check nothing may change.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeChartFiles } from './chart-files.mjs';
import { writeChartValues } from './chart-values.mjs';
import { writeConfigReference } from './config-reference.mjs';
import { writeEventReference } from './event-reference.mjs';
import { prepare, root } from './prepare.mjs';
import { writeResourceReference } from './resource-reference.mjs';

const GENERATED = [
  'libs/eventstore-api/src/generated',
  'docs/reference',
  'charts',
  'charts/jetstream-controller/crds',
];

/** File names with a digest of each. */
function snapshot() {
  const files = GENERATED.flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      : [],
  );
  return new Map(files.map((file) => [file, createHash('sha256').update(readFileSync(file)).digest('hex')]));
}

const before = snapshot();
await prepare();
execFileSync(join(root, 'node_modules', '.bin', 'buf'), ['generate'], {
  cwd: join(root, 'proto'),
  stdio: 'inherit',
});
writeEventReference();
writeConfigReference();
await writeResourceReference();
writeChartFiles();
writeChartValues();

if (process.argv.includes('--check')) {
  const after = snapshot();
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (file) => before.get(file) !== after.get(file),
  );
  if (changed.length > 0) {
    process.stderr.write(
      `generated files were not up to date; commit what npm run generate makes:\n  ${changed.join('\n  ')}\n`,
    );
    process.exit(1);
  }
}
