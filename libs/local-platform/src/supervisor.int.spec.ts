import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ProcessSpec } from '@headwater/embedded';
import { eventually } from '@headwater/testing';
import { Layout, portsWithOffset } from './layout';
import { LocalPlatform } from './local-platform';
import { endOrphans, noteProcess } from './orphans';
import { isRunning, startTimeOf } from './process-identity';
import { Secrets } from './secrets';
import { Supervisor, SupervisorEvents } from './supervisor';

let folder: string;
let layout: Layout;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-local-'));
  layout = new Layout(folder);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const node = (name: string, script: string): ProcessSpec => ({
  name,
  command: process.execPath,
  args: ['-e', script],
  stopSignal: 'SIGTERM',
});
const FOREVER = 'setInterval(() => {}, 1000)';
const QUIET: SupervisorEvents = { ended: () => undefined, failed: () => undefined };

test('a process that is killed is started again; one that is stopped is not', async () => {
  const ended: string[] = [];
  const supervisor = new Supervisor(layout, {
    ...QUIET,
    ended: (name, how) => void ended.push(`${name} ${how}`),
  });
  const first = await supervisor.start(node('one', FOREVER));
  await first.kill();
  await eventually(() => {
    expect(supervisor.get('one')?.running).toBe(true);
    expect(supervisor.get('one')?.pid).not.toBe(first.pid);
  });
  const second = supervisor.get('one');
  await supervisor.stopAll();
  expect(second?.running).toBe(false);
  expect(ended).toEqual(['one SIGKILL']);
  expect(await readdir(layout.run)).toEqual([]);
});

test('what it prints goes to its log file, and the last lines are at hand', async () => {
  const supervisor = new Supervisor(layout, QUIET);
  const talker = await supervisor.start(node('talker', `console.log('hello'); ${FOREVER}`));
  await eventually(() => expect(talker.output).toContain('hello'));
  await supervisor.stopAll();
});

test('orphans of a killed start are ended, and nobody else', async () => {
  const orphan = spawn(process.execPath, ['-e', FOREVER], { stdio: 'ignore' });
  const stranger = spawn(process.execPath, ['-e', FOREVER], { stdio: 'ignore' });
  await noteProcess(layout, 'orphan', orphan.pid!);
  // The same pid, started at another time: another process.
  await writeFile(layout.runFile('reused'), JSON.stringify({ pid: stranger.pid, startTime: 'long ago' }));
  await writeFile(layout.runFile('broken'), 'no json');
  const gone = once(orphan, 'exit');
  expect(await endOrphans(layout)).toEqual(['orphan']);
  await gone;
  expect(isRunning({ pid: stranger.pid!, startTime: startTimeOf(stranger.pid!)! })).toBe(true);
  expect(await readdir(layout.run)).toEqual([]);
  stranger.kill('SIGKILL');
  await once(stranger, 'exit');
});

test('a taken port is named', async () => {
  const ports = portsWithOffset(12_000);
  const server = createServer().listen(ports.nats, '127.0.0.1');
  await once(server, 'listening');
  await expect(
    LocalPlatform.start({ root: resolve(__dirname, '../../..'), dataDir: folder, portOffset: 12_000 }),
  ).rejects.toThrow(`${ports.nats} (nats)`);
  server.close();
  await once(server, 'close');
});

test('a password is made once', async () => {
  const first = await (await Secrets.open(layout)).password('sql-someone');
  expect(first).toHaveLength(32);
  expect(await (await Secrets.open(layout)).password('sql-someone')).toBe(first);
});
