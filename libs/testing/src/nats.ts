import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  freePort,
  ManagedProcess,
  NatsConfigOptions,
  natsServerSpec,
  renderNatsConfig,
} from '@headwater/embedded';
import { eventually } from './eventually';

export interface TestNats {
  /** `nats://127.0.0.1:port` */
  url: string;
  port: number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port and store. */
  restart(): Promise<void>;
  /** Removes everything JetStream has stored; the server must be down. */
  wipe(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export type TestNatsOptions = Partial<
  Pick<NatsConfigOptions, 'passwords' | 'extraUsers' | 'cluster' | 'serverName' | 'port'>
> & {
  /** Another server than the pinned one. */
  binary?: string;
};

/** A nats-server with JetStream and a store of its own. */
export async function startTestNats(options: TestNatsOptions = {}): Promise<TestNats> {
  const binary = options.binary ?? process.env['HEADWATER_NATS_SERVER'];
  if (!binary) throw new Error('no nats-server: is the file named *.int.spec.ts?');
  const folder = await mkdtemp(join(tmpdir(), 'headwater-nats-'));
  const storeDir = join(folder, 'store');
  const port = options.port ?? (await freePort());
  const configFile = join(folder, 'nats.conf');
  await writeFile(configFile, renderNatsConfig({ serverName: 'test', ...options, port, storeDir }), {
    mode: 0o600,
  });
  const spec = natsServerSpec(binary, configFile);
  const start = async (): Promise<ManagedProcess> => {
    const started = ManagedProcess.start(spec);
    await eventually(async () => {
      if (!started.running) throw new Error(`nats-server has ended: ${started.output}`);
      await connects(port);
    });
    return started;
  };
  let server = await start();
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    kill: () => server.kill(),
    restart: async () => {
      server = await start();
    },
    wipe: () => rm(storeDir, { recursive: true, force: true }),
    signal: (signal) => server.signal(signal),
    stop: async () => {
      server.signal('SIGCONT');
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Servers that form one cluster, for replicated streams. */
export async function startTestNatsCluster(size = 3, options: TestNatsOptions = {}): Promise<TestNats[]> {
  const routes = await Promise.all(Array.from({ length: size }, () => freePort()));
  return Promise.all(
    routes.map((port, index) =>
      startTestNats({ ...options, serverName: `test-${index}`, cluster: { name: 'test', port, routes } }),
    ),
  );
}

function connects(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
