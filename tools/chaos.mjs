// `npm run chaos -- [options]`: builds, then kills the platform's processes under load and takes everything into account.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

const options = process.argv.slice(2);
await prepare();
const { status } = spawnSync(process.execPath, [join(root, 'bench', 'dist', 'chaos.js'), ...options], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
