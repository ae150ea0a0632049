// `npm run e2e`: tests on a real cluster. It brings up a cluster, builds the image, loads it, and runs e2e/cluster.
//
//   E2E_CLUSTER_UP   makes or finds the cluster and prints the path of its kubeconfig last   default: kind
//   E2E_BUILD_IMAGE  called with DOCKERFILE CONTEXT TAG and E2E_BUILD_ARGS, prints what to load last   default: docker
//   E2E_LOAD_IMAGE   called with what the build has printed                                   default: kind
//   E2E_BASE_IMAGES  prints further images to load, one a line, such as those of the bundled servers
//   E2E_REPORT       where to write jest's report
//   E2E_IMAGE        an image that the cluster can already get: nothing is built or loaded
//   E2E_VALUES       a file of values for the installs, such as where the bundled servers' images are
//   E2E_NODE_KILL, E2E_NODE_START   commands that take a node's name, for the tests of --full that lose one
//   E2E_METRICS      a command that adds metrics-server, for the test of --full that scales by CPU
//   E2E_KEEP=1       leaves the namespaces as they are
//
// KUBECONFIG alone, without E2E_CLUSTER_UP, uses the cluster that is there. --full adds the long parts: several
// servers and nodes, other ways to install, the real KEDA and Prometheus. Further arguments are jest's.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEIGHBOURS, neighbour } from './neighbours.mjs';
import { fail, prepare, root } from './prepare.mjs';

const TAG = 'localhost/headwater:e2e';
const KIND_CLUSTER = 'headwater';
const { env } = process;

const has = (command) => spawnSync(command, ['--help'], { stdio: 'ignore' }).error === undefined;
const words = (text) => (text ?? '').split(' ').filter(Boolean);

/** Runs a command with its output on ours, and returns the last line that it printed. */
function lastLine(command, args) {
  const { status, stdout, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (error?.code === 'ENOENT') fail(`${command} is not there; install it or name another command`);
  if (status !== 0) fail(`${command} ended with ${status}; what it says about it stands above`);
  return stdout.trim().split('\n').pop() ?? '';
}

/** A command and its arguments. */
function commandOf(text) {
  const [command, ...args] = words(text);
  return [command, args];
}

/** The lines that a command prints. */
function linesOf(text) {
  const [command, ...args] = words(text);
  return command
    ? execFileSync(command, args, { encoding: 'utf8', cwd: root }).split('\n').filter(Boolean)
    : [];
}

/** Path of a kubeconfig. */
function clusterUp() {
  if (env.E2E_CLUSTER_UP) {
    const [command, ...args] = words(env.E2E_CLUSTER_UP);
    return lastLine(command, args);
  }
  if (env.KUBECONFIG) return env.KUBECONFIG;
  if (!has('kind') || !has('docker')) {
    fail(
      'there is no cluster to test on; install kind and Docker, or set KUBECONFIG and E2E_IMAGE, or E2E_CLUSTER_UP, E2E_BUILD_IMAGE and E2E_LOAD_IMAGE',
    );
  }
  const clusters = execFileSync('kind', ['get', 'clusters'], { encoding: 'utf8' });
  if (!clusters.split('\n').includes(KIND_CLUSTER))
    lastLine('kind', [
      'create',
      'cluster',
      '--name',
      KIND_CLUSTER,
      '--config',
      'k8s/kind.yaml',
      '--wait',
      '3m',
    ]);
  const file = join(tmpdir(), `headwater-e2e-${process.getuid?.() ?? 0}.kubeconfig`);
  writeFileSync(file, execFileSync('kind', ['get', 'kubeconfig', '--name', KIND_CLUSTER]), { mode: 0o600 });
  return file;
}

/** Builds an image by the given commands, or by Docker, and gives it to the cluster. */
function buildAndLoad(dockerfile, context, tag, arguments_, further = []) {
  if (env.E2E_BUILD_IMAGE && env.E2E_LOAD_IMAGE) {
    const [build, ...buildArgs] = words(env.E2E_BUILD_IMAGE);
    const built = lastLine(build, [...buildArgs, dockerfile, context, tag, ...arguments_]);
    const [load, ...loadArgs] = words(env.E2E_LOAD_IMAGE);
    lastLine(load, [...loadArgs, ...further, built]);
  } else {
    lastLine('docker', ['build', '--tag', tag, '--file', dockerfile, ...arguments_, context]);
    lastLine('kind', ['load', 'docker-image', tag, '--name', KIND_CLUSTER]);
  }
  return tag;
}

/** An image that the cluster has. */
function image() {
  if (env.E2E_IMAGE) return env.E2E_IMAGE;
  if (env.KUBECONFIG && !env.E2E_CLUSTER_UP)
    fail(
      'KUBECONFIG names a cluster, but not which image it can get; set E2E_IMAGE, or E2E_BUILD_IMAGE and E2E_LOAD_IMAGE',
    );
  return buildAndLoad('Dockerfile', '.', TAG, words(env.E2E_BUILD_ARGS), linesOf(env.E2E_BASE_IMAGES));
}

/** The real KEDA and Prometheus, where they can be built and loaded; their tests leave themselves out elsewhere. */
async function neighbours() {
  if (!has('go')) {
    process.stderr.write(
      'left out: tests with KEDA and Prometheus (they are built with Go, which is not there)\n',
    );
    return;
  }
  for (const name of Object.keys(NEIGHBOURS)) {
    const { folder, sources, version } = await neighbour(name);
    const variable = `E2E_${name.toUpperCase()}`;
    env[`${variable}_IMAGE`] = buildAndLoad(
      join(folder, 'Dockerfile'),
      folder,
      `localhost/${name}:${version.slice(1)}`,
      [],
    );
    env[`${variable}_SOURCES`] = sources;
    if (name === 'prometheus') env.E2E_PROMTOOL = join(folder, 'promtool');
  }
}

/** What a person looks at first when a test has failed. */
function gather() {
  const folder = join(root, '.headwater', 'e2e');
  mkdirSync(folder, { recursive: true });
  const kubectl = env.E2E_KUBECTL ?? 'kubectl';
  for (const [file, ...args] of [
    ['pods.txt', 'get', 'pods', '-A', '-o', 'wide'],
    ['pods-described.txt', '-n', 'headwater-e2e', 'describe', 'pods'],
    [
      'resources.yaml',
      '-n',
      'headwater-e2e',
      'get',
      'streams.jetstream.headwater.dev,consumers.jetstream.headwater.dev',
      '-o',
      'yaml',
    ],
    ['events.txt', 'get', 'events', '-A', '--sort-by=.lastTimestamp'],
    [
      'logs.txt',
      '-n',
      'headwater-e2e',
      'logs',
      '-l',
      'app.kubernetes.io/part-of=headwater',
      '--all-containers',
      '--prefix',
      '--tail=500',
      '--max-log-requests=50',
    ],
  ]) {
    const { stdout } = spawnSync(kubectl, args, { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 });
    writeFileSync(join(folder, file), stdout ?? '');
  }
  process.stderr.write(`what the cluster says about it: ${folder}\n`);
}

const full = process.argv.includes('--full');
const forJest = process.argv.slice(2).filter((argument) => argument !== '--full');

await prepare();
const loads = !env.E2E_IMAGE;
env.KUBECONFIG = clusterUp();
env.E2E_IMAGE = image();
if (full && loads) await neighbours();
if (full && env.E2E_METRICS) lastLine(...commandOf(env.E2E_METRICS));
const folder = mkdtempSync(join(tmpdir(), 'headwater-e2e-'));
const report = env.E2E_REPORT ?? join(folder, 'report.json');
const { status } = spawnSync(
  process.execPath,
  [
    ...['--conditions=headwater:source', join(root, 'node_modules', 'jest', 'bin', 'jest.js')],
    ...[
      '--config',
      'e2e/cluster/jest.config.js',
      '--runInBand',
      ...(full ? [] : ['--testPathIgnorePatterns=full\\.cluster']),
      '--verbose',
      '--ci',
    ],
    ...['--json', `--outputFile=${report}`, ...forJest],
  ],
  {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...env, NODE_OPTIONS: '--conditions=headwater:source' },
  },
);
if (status !== 0) gather();
const kubectl = env.E2E_KUBECTL ?? 'kubectl';
// Only now, so that what has failed could be looked at.
if (!env.E2E_KEEP)
  spawnSync(kubectl, ['delete', 'namespace', 'headwater-e2e', 'headwater-e2e-two', '--ignore-not-found'], {
    stdio: 'ignore',
  });
if (existsSync(report)) {
  const {
    numPassedTests,
    numFailedTests: failed,
    numRuntimeErrorTestSuites: broken,
  } = JSON.parse(readFileSync(report, 'utf8'));
  process.stdout.write(`${numPassedTests} passed, ${failed + broken} failed\n`);
}
rmSync(folder, { recursive: true, force: true });
process.exit(status ?? 1);
