import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { portTaken, removePostgresData } from '@headwater/embedded';
import { Layout, LocalPlatform, portsWithOffset, StartInterrupted } from '@headwater/local-platform';

const OFFSET = 2_050;

test.each(['starting PostgreSQL', 'migrating the databases', 'starting nats-server', 'starting eventstore'])(
  'a start that is interrupted at "%s" leaves no process behind',
  async (step) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'headwater-interrupted-'));
    const interruption = new AbortController();
    const starting = LocalPlatform.start({
      root: resolve(__dirname, '../..'),
      dataDir,
      portOffset: OFFSET,
      signal: interruption.signal,
      progress: (line) => {
        if (line.startsWith(step)) interruption.abort();
      },
    });
    await expect(starting).rejects.toThrow(StartInterrupted);
    const layout = new Layout(dataDir);
    expect(await readdir(layout.run)).toEqual([]);
    const taken = await Promise.all(Object.values(portsWithOffset(OFFSET)).map((port) => portTaken(port)));
    expect(taken).not.toContain(true);
    await removePostgresData(layout.postgres);
    await rm(dataDir, { recursive: true, force: true });
  },
);
