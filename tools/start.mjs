// `npm start`: makes a fresh clone run. Only Node's own modules here: nothing is installed yet when this begins.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

prepare();
const cli = join(root, 'apps', 'cli', 'bin', 'headwater.js');
// The terminal's Ctrl-C reaches the child as well; it ends in order, and its exit code is ours.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
const { status, signal } = spawnSync(process.execPath, [cli, 'up', ...process.argv.slice(2)], {
  stdio: 'inherit',
  cwd: root,
});
process.exit(status ?? (signal ? 1 : 0));
