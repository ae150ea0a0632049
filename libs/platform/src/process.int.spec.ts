import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const ROOT = resolve(__dirname, '../../..');

/** Runs one of the built apps with nothing but these variables. */
async function run(
  app: string,
  env: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [`${ROOT}/apps/${app}/dist/main.js`], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, output };
}

test('every fault of a process’s configuration is told at once, its own and the common ones', async () => {
  const { code, output } = await run('order', {
    HEADWATER_OPS_PORT: 'x',
    HEADWATER_DATABASE_URL: 'mysql://secret@host',
    HEADWATER_HTTP_PORT: '-1',
  });
  expect(code).toBe(1);
  expect(output).toMatch(/3 faults/);
  for (const name of ['HEADWATER_OPS_PORT', 'HEADWATER_DATABASE_URL', 'HEADWATER_HTTP_PORT'])
    expect(output).toContain(name);
  expect(output).not.toContain('secret');
});

test.each(['eventstore', 'payment-simulator', 'coordinator', 'workers/projection'])(
  '%s names the address it lacks',
  async (app) => {
    const { code, output } = await run(app, {});
    expect(code).toBe(1);
    expect(output).toContain('HEADWATER_DATABASE_URL: is missing');
  },
);
