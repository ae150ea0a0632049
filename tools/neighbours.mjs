// Programs of other projects that `npm run e2e -- --full` tests beside the platform, instead of look-alikes: built once per
// machine from their own Go modules, each in its own module's folder, so with exactly the dependencies that its authors have
// pinned. The sum below is what Go's checksum database says of all of that.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { fail, root, run } from './prepare.mjs';

export const NEIGHBOURS = {
  keda: {
    module: 'github.com/kedacore/keda/v2',
    version: 'v2.21.0',
    sum: 'h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=',
    programs: { keda: './cmd/operator', 'keda-adapter': './cmd/adapter' },
    tags: '',
    duration: 'a quarter of an hour',
  },
  prometheus: {
    module: 'github.com/prometheus/prometheus',
    version: 'v0.315.0',
    sum: 'h1:sFGZWmC2Hk9N1NBJGCnXYZb5hyLCq8yuAMoEjLAg6ac=',
    programs: { prometheus: './cmd/prometheus', promtool: './cmd/promtool' },
    // Only the discovery that is used: the clouds' own would take most of the time.
    tags: 'remove_all_sd,enable_kubernetes_sd',
    duration: 'five minutes',
  },
};

const go = (...args) =>
  execFileSync('go', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], cwd: root });

/**
 * Folder with a neighbour's programs and the Dockerfile that makes an image of them, and its sources. Builds in the
 * background of whatever else the machine does.
 */
export async function neighbour(name) {
  const { module, version, sum, programs, tags, duration } = NEIGHBOURS[name];
  // Built by now; the workspace's packages are not there before.
  const { cacheDir } = createRequire(import.meta.url)('@headwater/embedded');
  const downloaded = JSON.parse(go('mod', 'download', '-json', `${module}@${version}`));
  if (downloaded.Sum !== sum) fail(`${module} ${version} is not what it was: ${downloaded.Sum}`);
  const folder = join(cacheDir(), 'tools', `${name}-${version.slice(1)}`);
  if (!existsSync(folder)) {
    const partial = `${folder}.${process.pid}`;
    mkdirSync(partial, { recursive: true });
    // A build that fails or is interrupted ends the process.
    process.once('exit', () => rmSync(partial, { recursive: true, force: true }));
    for (const [program, main] of Object.entries(programs))
      await run(
        `building ${program} ${version} with Go, once per machine (${duration} for all of ${name})`,
        'go',
        ['build', '-trimpath', '-ldflags=-s -w', `-tags=${tags}`, '-o', join(partial, program), main],
        { cwd: downloaded.Dir, env: { GOFLAGS: '-mod=readonly', GOWORK: 'off', CGO_ENABLED: '0' } },
      );
    renameSync(partial, folder);
  }
  copyFileSync(join(root, 'tools', 'neighbours', 'Dockerfile'), join(folder, 'Dockerfile'));
  return { folder, sources: downloaded.Dir, version };
}

// By itself: `node tools/neighbours.mjs [NAME…]` builds ahead of a run.
if (process.argv[1] === join(root, 'tools', 'neighbours.mjs')) {
  setPriority(constants.priority.PRIORITY_LOW);
  const names = process.argv.slice(2);
  for (const name of names.length > 0 ? names : Object.keys(NEIGHBOURS))
    process.stdout.write(`${(await neighbour(name)).folder}\n`);
}
