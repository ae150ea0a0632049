// `npm run bench -- NAME [options]`: builds, then runs one of the benchmarks in bench/.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fail, prepare, root } from './prepare.mjs';

const [name, ...options] = process.argv.slice(2);
const sources = join(root, 'bench', 'src');
// A benchmark is a file with a main; its parts are not listed.
const names = ['orders', 'append', 'controller'].filter((known) =>
  readdirSync(sources).includes(`${known}.ts`),
);
if (!name || !existsSync(join(sources, `${name}.ts`)))
  fail(`name a benchmark: npm run bench -- ${names.join(' | ')} [--help]`);
await prepare();
const { status } = spawnSync(process.execPath, [join(root, 'bench', 'dist', `${name}.js`), ...options], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
