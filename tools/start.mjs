// `npm start`: makes a fresh clone run. Only Node's own modules here: nothing is installed yet when this begins.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

const options = process.argv.slice(2);
const cli = join(root, 'apps', 'cli', 'bin', 'headwater.js');
const onlyHelp = options.some((option) => option === '--help' || option === '-h');
// Help needs no new build where there is one.
if (!onlyHelp || !existsSync(join(root, 'apps', 'cli', 'dist', 'main.js'))) await prepare();
// In this very process, so that a signal needs nobody to pass it on.
process.argv = [process.execPath, cli, 'up', ...options];
createRequire(import.meta.url)(cli);
