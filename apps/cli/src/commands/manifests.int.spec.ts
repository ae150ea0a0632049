import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JetStreamApi } from '@headwater/jetstream-resources';
import { startTestNats, TestNats } from '@headwater/testing';
import { connect } from '@nats-io/transport-node';
import { CommandFailed } from '../command-failed';
import { buildProgram } from '../program';

let server: TestNats;
let folder: string;
beforeAll(async () => {
  server = await startTestNats();
  folder = await mkdtemp(join(tmpdir(), 'headwater-cli-'));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

interface Ran {
  out: string;
  err: string;
  code: number;
}

/** A command as somebody would type it. */
async function headwater(...args: string[]): Promise<Ran> {
  const written = { out: '', err: '' };
  const keep = (to: 'out' | 'err') => (text: unknown) => {
    written[to] += String(text);
    return true;
  };
  const spies = [
    jest.spyOn(process.stdout, 'write').mockImplementation(keep('out')),
    jest.spyOn(process.stderr, 'write').mockImplementation(keep('err')),
  ];
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await buildProgram().parseAsync(['node', 'headwater', ...args]);
    return { ...written, code: Number(process.exitCode ?? 0) };
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    return { out: written.out, err: `${written.err}${error.message}`, code: 1 };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}

const onServer = (): string[] => ['--nats', server.url, '--data-dir', join(folder, 'none')];
const write = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};
const manifest = (kind: string, spec: object): string =>
  JSON.stringify({ apiVersion: 'jetstream.headwater.dev/v1alpha1', kind, metadata: { name: 'x' }, spec });

test('diff shows what is not as declared, apply makes it so, and then nothing differs', async () => {
  const file = await write(
    'wanted.yaml',
    [
      manifest('Stream', { name: 'SHOWN', maxAge: '1h' }),
      manifest('Consumer', { streamName: 'SHOWN', durableName: 'c' }),
      manifest('Connection', { servers: ['nats://elsewhere:4222'] }),
    ].join('\n---\n'),
  );
  const first = await headwater('diff', '-f', file, ...onServer());
  expect(first).toMatchObject({ code: 1, err: '' });
  expect(first.out).toContain('+ Stream SHOWN is not there');
  const dry = await headwater('apply', '--dry-run', '-f', file, ...onServer());
  expect(dry.out).toContain('Stream SHOWN would be created');
  expect(await headwater('apply', '-f', file, ...onServer())).toMatchObject({
    code: 0,
    out: 'Stream SHOWN created\nConsumer SHOWN/c created\n',
  });
  expect(await headwater('diff', '-f', file, ...onServer())).toEqual({ out: '', err: '', code: 0 });

  const connection = await connect({ servers: server.url });
  const api = new JetStreamApi(connection);
  const { config } = (await api.streamInfo('SHOWN'))!;
  await api.writeStream('SHOWN', { ...config, max_age: 120e9, max_msgs: 9 }, 'update');
  await connection.close();
  expect(await headwater('diff', '-f', file, ...onServer())).toMatchObject({
    code: 1,
    out: '~ Stream SHOWN\n    spec.maxMsgs: 9 -> -1\n    spec.maxAge: 2m -> 1h\n',
  });
});

test('what can not be applied is told, with exit code 1', async () => {
  const file = await write(
    'bad.yaml',
    [
      manifest('Stream', { name: 'FIRST', storage: 'memory', subjects: ['f'] }),
      manifest('Stream', { name: 'SECOND', subjects: ['f'] }),
    ].join('\n---\n'),
  );
  const { out, err, code } = await headwater('apply', '-f', file, ...onServer());
  expect([code, err]).toEqual([1, '1 of 2 can not be applied']);
  expect(out).toMatch(/Stream SECOND refused \(spec\.subjects\): .*overlap.*\(10065\)/);
});

test("NACK's manifests become ours, other kinds stay, and what changes is told beside them", async () => {
  const file = await write(
    'nack.yaml',
    `apiVersion: jetstream.nats.io/v1beta2
kind: Stream
metadata: { name: taken }
spec: { name: TAKEN, subjects: [taken.>], maxAge: 1h }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: other }
`,
  );
  const { out, err, code } = await headwater('convert', file);
  expect(code).toBe(0);
  expect(out).toContain('apiVersion: jetstream.headwater.dev/v1alpha1');
  expect(out).toContain('kind: ConfigMap');
  expect(err).toMatch(/note: .*nack\.yaml: Stream taken: storage: memory is written down/);
  const converted = await write('converted.yaml', out.split('---\n')[0]!);
  expect(await headwater('apply', '-f', converted, ...onServer())).toMatchObject({ code: 0 });

  const broken = await write(
    'broken.yaml',
    'apiVersion: jetstream.nats.io/v1beta2\nkind: Consumer\nmetadata: { name: c }\nspec: { streamName: TAKEN, maxDeliver: 1, backoff: [1s, 2s] }\n',
  );
  const fault = await headwater('convert', broken);
  expect(fault.code).toBe(1);
  expect(fault.err).toMatch(/has no durableName/);
});
