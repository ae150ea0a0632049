// What an image holds: node_modules without what only builds or types need, and each project's build. Usage:
// assemble.mjs BUILT TARGET, in a folder with the production dependencies.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

const [built, target] = process.argv.slice(2);
if (!built || !target) throw new Error('usage: assemble.mjs BUILT TARGET');

/** Nothing at run time reads these. */
const NOT_RUN = new Set(['.ts', '.mts', '.cts', '.map', '.md', '.markdown', '.flow', '.tsbuildinfo']);

function prune(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) continue;
    if (entry.isDirectory()) prune(path);
    else if (NOT_RUN.has(extname(entry.name)) && !/^licen[cs]e/i.test(entry.name)) rmSync(path);
  }
}

/** The packages of the workspace that are programs or libraries of the running platform. */
const projects = readdirSync(built, { recursive: true, encoding: 'utf8' }).filter(
  (path) =>
    /^(apps|libs)\//.test(path) &&
    path.endsWith('package.json') &&
    !path.includes('node_modules') &&
    existsSync(join(built, dirname(path), 'dist')) &&
    !/^libs\/testing/.test(path),
);

mkdirSync(target, { recursive: true });
prune('node_modules');
cpSync('node_modules', join(target, 'node_modules'), { recursive: true, verbatimSymlinks: true });
for (const manifest of projects) {
  const folder = dirname(manifest);
  mkdirSync(join(target, folder), { recursive: true });
  for (const part of ['package.json', 'dist', 'bin', 'proto'])
    if (existsSync(join(built, folder, part)))
      cpSync(join(built, folder, part), join(target, folder, part), {
        recursive: true,
        // A working copy's build may hold tests from before they were left out.
        filter: (path) => !/\.spec\.js(\.map)?$/.test(path),
      });
}
// Links of packages that stayed behind would point nowhere.
const scope = join(target, 'node_modules', '@headwater');
const kept = new Set(projects.map((path) => JSON.parse(readFileSync(join(built, path), 'utf8')).name));
for (const name of readdirSync(scope)) if (!kept.has(`@headwater/${name}`)) rmSync(join(scope, name));
for (const data of ['package.json', 'proto', 'k8s/jetstream', 'charts/jetstream-controller/crds', 'LICENSE'])
  if (existsSync(join(built, data))) cpSync(join(built, data), join(target, data), { recursive: true });
