import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { z } from 'zod';
import {
  ConfigError,
  currentTraceparent,
  natsConfig,
  opsConfig,
  readConfig,
  Readiness,
  startOpsServer,
} from './index';

describe('configuration', () => {
  const schema = z.object({ ...opsConfig, SECRET: z.string().min(3), COLOUR: z.enum(['red', 'green']) });

  test('every fault is told at once, by name and without values', () => {
    const env = { HEADWATER_OPS_PORT: 'ninety', SECRET: 'xy', COLOUR: 'blue' };
    const read = (): unknown => readConfig(schema, env);
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/HEADWATER_OPS_PORT[^]*SECRET[^]*COLOUR/);
    expect(read).not.toThrow(/xy/);
  });

  test('a secret may come from a file; a file that is not there is a fault', () => {
    const folder = mkdtempSync(join(tmpdir(), 'headwater-config-'));
    writeFileSync(join(folder, 'secret'), 'from file\n');
    const env = { SECRET_FILE: join(folder, 'secret'), COLOUR: 'red' };
    expect(readConfig(schema, env)).toMatchObject({ SECRET: 'from file', HEADWATER_OPS_PORT: 9090 });
    expect(() => readConfig(schema, { ...env, SECRET_FILE: join(folder, 'none') })).toThrow(
      /SECRET_FILE.*ENOENT/,
    );
    rmSync(folder, { recursive: true });
  });

  test('credentials in an address are refused', () => {
    expect(() =>
      readConfig(z.object(natsConfig), { HEADWATER_NATS_URL: 'nats://user:pass@host:4222' }),
    ).toThrow(ConfigError);
  });
});

test('readiness follows dependencies, liveness does not', async () => {
  const readiness = new Readiness();
  const changes: boolean[] = [];
  readiness.onChange((ready) => changes.push(ready));
  const [one, two] = [readiness.declare('one'), readiness.declare('two')];
  const server = await startOpsServer({ host: '127.0.0.1', port: 0 }, readiness, new Registry());
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return [response.status, await response.text()];
  };
  one.up();
  expect(await get('/readyz')).toEqual([503, expect.stringContaining('"two":"not there yet"')]);
  two.up();
  expect((await get('/readyz'))[0]).toBe(200);
  one.down('away');
  expect(await get('/readyz')).toEqual([503, expect.stringContaining('"one":"away"')]);
  expect(await get('/livez')).toEqual([200, 'ok\n']);
  expect((await get('/metrics'))[0]).toBe(200);
  expect((await get('/other'))[0]).toBe(404);
  expect(changes).toEqual([true, false]);
  await server.close();
});

test('a caller’s trace context is kept, a broken one is replaced', () => {
  const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  expect(currentTraceparent(given)).toBe(given);
  expect(currentTraceparent('nonsense')).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/);
});
