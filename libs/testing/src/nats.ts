import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManagedProcess, NatsConfigOptions, natsServerSpec, renderNatsConfig } from '@headwater/embedded';
import { eventually } from './eventually';
import { reservePort } from './ports';

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
  Pick<NatsConfigOptions, 'passwords' | 'extraUsers' | 'cluster' | 'serverName' | 'port' | 'tags'>
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
  const reserved =
    options.port === undefined
      ? await reservePort()
      : { port: options.port, release: () => Promise.resolve() };
  const { port } = reserved;
  const configFile = join(folder, 'nats.conf');
  const serverName = options.serverName ?? `test-${randomBytes(4).toString('hex')}`;
  await writeFile(configFile, renderNatsConfig({ ...options, serverName, port, storeDir }), { mode: 0o600 });
  const spec = natsServerSpec(binary, configFile);
  const start = async (): Promise<ManagedProcess> => {
    let started = ManagedProcess.start(spec);
    await eventually(async () => {
      if (!started.running) {
        const { output } = started;
        started = ManagedProcess.start(spec);
        throw new Error(`nats-server has ended: ${output}`);
      }
      const name = await nameOfServer(port);
      if (name !== serverName) throw new Error(`the server at port ${port} is ${name}, not ${serverName}`);
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
      await reserved.release();
    },
  };
}

/** Servers that form one cluster, for replicated streams; the first has the tags `all` and `server:0`, and so on. */
export async function startTestNatsCluster(size = 3, options: TestNatsOptions = {}): Promise<TestNats[]> {
  const reserved = await Promise.all(Array.from({ length: size }, () => reservePort()));
  const routes = reserved.map(({ port }) => port);
  const name = `test-${randomBytes(4).toString('hex')}`;
  return Promise.all(
    reserved.map(async ({ port, release }, index) => {
      const cluster = { name, port, routes };
      const tags = ['all', `server:${index}`];
      const server = await startTestNats({ ...options, serverName: `${name}-${index}`, cluster, tags });
      return { ...server, stop: () => server.stop().then(release) };
    }),
  );
}

/** What the server at a port calls itself in its first line. */
function nameOfServer(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1');
    let line = '';
    socket.on('data', (chunk: Buffer) => {
      line += chunk.toString();
      if (!line.includes('\r\n')) return;
      socket.destroy();
      resolve(/"server_name":"([^"]*)"/.exec(line)?.[1] ?? 'none');
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the server closed the connection')));
  });
}
