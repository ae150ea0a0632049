// Runs nx without daemon, cloud or terminal tricks, the same on a laptop and in CI.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const nx = createRequire(import.meta.url).resolve('nx/bin/nx.js');
const { status } = spawnSync(process.execPath, [nx, ...process.argv.slice(2), '--outputStyle=stream'], {
  stdio: 'inherit',
  env: { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false', NX_INTERACTIVE: 'false' },
});
process.exit(status ?? 1);
