import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { portTaken, removePostgresData } from '@headwater/embedded';
import { LocalPlatform, LocalPlatformOptions, portsWithOffset } from '@headwater/local-platform';

export interface TestPlatform {
  platform: LocalPlatform;
  /** What it said while it ran. */
  said: string[];
  /** Ends it and removes its data; its data stay when it is to be looked at. */
  end(options?: { keepData?: boolean }): Promise<void>;
}

/** The whole platform in a folder and on ports of its own. The apps must have been built. */
export async function startTestPlatform(options: Partial<LocalPlatformOptions> = {}): Promise<TestPlatform> {
  const dataDir = await mkdtemp(join(tmpdir(), 'headwater-platform-'));
  const said: string[] = [];
  const platform = await LocalPlatform.start({
    root: resolve(__dirname, '../../..'),
    dataDir,
    ...options,
    portOffset: options.portOffset ?? (await freeOffset()),
    progress: (line) => {
      said.push(line);
      options.progress?.(line);
    },
  });
  return {
    platform,
    said,
    end: async ({ keepData = false } = {}) => {
      await platform.stop();
      if (keepData) return;
      await removePostgresData(platform.layout.postgres);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** An offset at which every port is free. */
export async function freeOffset(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const offset = 1_000 + Math.floor(Math.random() * 8_000);
    const taken = await Promise.all(Object.values(portsWithOffset(offset)).map((port) => portTaken(port)));
    if (!taken.includes(true)) return offset;
  }
  throw new Error('there is no range of free ports for the platform');
}
