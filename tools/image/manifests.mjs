// Copies what decides about dependencies, and nothing else: manifests.mjs TARGET.
import { cpSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

const [target] = process.argv.slice(2);
if (!target) throw new Error('usage: manifests.mjs TARGET');
for (const path of readdirSync('.', { recursive: true, encoding: 'utf8' }))
  if (
    ['package.json', 'package-lock.json', '.npmrc'].includes(basename(path)) &&
    !path.includes('node_modules')
  )
    cpSync(path, join(target, path), { recursive: true });
