// `npm test`: everything this machine can run, and a line about what it can't. Ends with "N passed, N failed".
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

await prepare();

const totals = { passed: 0, failed: 0, skipped: 0 };
const bin = (name) => join(root, 'node_modules', '.bin', name);

/** A check that passes or fails as a whole. */
function check(label, command, args, env = {}) {
  const started = Date.now();
  process.stdout.write(`\n=== ${label}\n`);
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  const passed = status === 0;
  totals[passed ? 'passed' : 'failed'] += 1;
  process.stdout.write(
    `${passed ? 'ok' : 'FAILED'}: ${label} (${((Date.now() - started) / 1000).toFixed(0)} s)\n`,
  );
}

/** Adds what a report of jest's says to the totals. */
function count(report, project, status) {
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    totals.passed += result.numPassedTests;
    totals.failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
    totals.skipped += result.numPendingTests;
    if (status !== 0 && result.numFailedTests + result.numRuntimeErrorTestSuites === 0) totals.failed += 1;
  } catch {
    process.stderr.write(`${project} tests ended without a report (exit code ${status})\n`);
    totals.failed += 1;
  }
}

/** On a real cluster, where one is named; `tools/e2e.mjs` says how. */
function cluster() {
  process.stdout.write('\n=== cluster tests\n');
  const folder = mkdtempSync(join(tmpdir(), 'headwater-jest-'));
  const report = join(folder, 'report.json');
  const { status } = spawnSync(process.execPath, ['tools/e2e.mjs'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, E2E_REPORT: report },
  });
  count(report, 'cluster', status);
  rmSync(folder, { recursive: true, force: true });
}

function jest(project) {
  process.stdout.write(`\n=== ${project} tests\n`);
  const folder = mkdtempSync(join(tmpdir(), 'headwater-jest-'));
  const report = join(folder, 'report.json');
  const args = [
    join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
    '--selectProjects',
    project,
    '--json',
    `--outputFile=${report}`,
    // Two at least: most of them wait for servers more than they work, also where there are few processors.
    ...(availableParallelism() > 3 ? [] : ['--maxWorkers=2']),
  ];
  // The sources of the workspace are tested, not their builds; --ci forbids writing snapshots.
  const { status } = spawnSync(process.execPath, ['--conditions=headwater:source', ...args, '--ci'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '--conditions=headwater:source', FORCE_COLOR: '0' },
  });
  count(report, project, status);
  rmSync(folder, { recursive: true, force: true });
}

/** Builds etcd and kube-apiserver if need be; why they can not be had, or nothing. Their tests then leave themselves out. */
async function controlPlaneMissing() {
  // Built by now; the workspace's packages are not there before.
  const { findControlPlane } = createRequire(import.meta.url)('@headwater/embedded');
  const progress = (line) => process.stdout.write(`${line}\n`);
  try {
    await findControlPlane({ buildFrom: join(root, 'tools'), progress });
    return undefined;
  } catch (error) {
    return error.message;
  }
}

check('what is generated is up to date', process.execPath, ['tools/generate.mjs', '--check']);
check('wire formats', bin('buf'), ['lint', 'proto']);
check('format', bin('prettier'), ['--check', '--log-level=warn', '.']);
check('types', bin('tsc'), ['-p', 'tsconfig.json']);
check('lint and borders', process.execPath, ['tools/nx.mjs', 'run', 'headwater:lint']);
const withoutControlPlane = await controlPlaneMissing();
jest('unit');
jest('integration');
if (process.env.E2E_CLUSTER_UP) cluster();

const leftOut = [
  'CockroachDB (it can not be had here; set COCKROACH_URL to run the event store’s suite against one)',
  ...(process.env.E2E_CLUSTER_UP ? [] : ['tests on a Kubernetes cluster (npm run e2e)']),
  ...(withoutControlPlane === undefined
    ? []
    : [`tests against a Kubernetes API server (${withoutControlPlane})`]),
];
process.stdout.write(`\nleft out: ${leftOut.join('; ')}\n\n`);
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
process.stdout.write(`${totals.passed} passed, ${totals.failed} failed${skipped}\n`);
process.exit(totals.failed === 0 ? 0 : 1);
