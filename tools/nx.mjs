// Runs nx without daemon, cloud or terminal tricks, the same on a laptop and in CI.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { NX_ENV } from './prepare.mjs';

const nx = createRequire(import.meta.url).resolve('nx/bin/nx.js');
const child = spawn(process.execPath, [nx, ...process.argv.slice(2), '--outputStyle=stream'], {
  stdio: 'inherit',
  env: { ...process.env, ...NX_ENV },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('exit', (status) => process.exit(status ?? 1));
