import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { connect, NatsConnection } from '@nats-io/transport-node';
import { NATS_USERS } from '@headwater/contracts';
import { Applied, keepApplied, readManifests } from '@headwater/jetstream-resources';
import {
  findNatsServer,
  ManagedProcess,
  natsServerSpec,
  portTaken,
  preparePostgres,
  renderNatsConfig,
  SetupError,
} from '@headwater/embedded';
import { prepareDatabases } from './databases';
import { Layout, Ports, portsWithOffset } from './layout';
import { endOrphans, forgetProcess, noteProcess, runningSupervisor, SUPERVISOR } from './orphans';
import { Secrets } from './secrets';
import {
  MIGRATED_SERVICES,
  opsPortOf,
  SERVICE_NAMES,
  ServiceContext,
  ServiceName,
  serviceSpec,
} from './services';
import { Supervisor } from './supervisor';
import { waitReady } from './wait-ready';

export interface LocalPlatformOptions {
  /** Root of the repository, built. */
  root: string;
  dataDir: string;
  /** Added to every port. */
  portOffset?: number;
  /** Told in one line of each step and of each process that ended unasked. */
  progress?: (line: string) => void;
  /** Added to every service's environment. */
  env?: Readonly<Record<string, string>>;
  /** Options of Node itself, for every service. */
  nodeArgs?: readonly string[];
}

/** The whole platform as processes of this machine: PostgreSQL, nats-server and every app, supervised. */
export class LocalPlatform {
  private constructor(
    readonly ports: Ports,
    readonly layout: Layout,
    private readonly supervisor: Supervisor,
    private readonly natsPassword: string,
    private readonly stopApplying: () => Promise<void>,
  ) {}

  /** @throws SetupError in one sentence; what had been started is ended */
  static async start(options: LocalPlatformOptions): Promise<LocalPlatform> {
    const progress = options.progress ?? (() => undefined);
    const ports = portsWithOffset(options.portOffset ?? 0);
    const layout = new Layout(resolve(options.dataDir));
    await mkdir(layout.dataDir, { recursive: true, mode: 0o700 });

    const other = await runningSupervisor(layout);
    if (other) throw new SetupError(`process ${other.pid} runs the platform on ${layout.dataDir} already`);
    const orphans = await endOrphans(layout);
    if (orphans.length > 0) progress(`ended what a killed start had left: ${orphans.join(', ')}`);
    await noteProcess(layout, SUPERVISOR, process.pid);
    await refuseTakenPorts(ports);

    const supervisor = new Supervisor(layout, {
      ended: (name, how, ms) => progress(`${name} ended (${how}); starting it again in ${ms} ms`),
    });
    try {
      return await this.bringUp(options, ports, layout, supervisor, progress);
    } catch (error) {
      await supervisor.stopAll();
      await forgetProcess(layout, SUPERVISOR);
      throw error;
    }
  }

  private static async bringUp(
    options: LocalPlatformOptions,
    ports: Ports,
    layout: Layout,
    supervisor: Supervisor,
    progress: (line: string) => void,
  ): Promise<LocalPlatform> {
    const secrets = await Secrets.open(layout);
    const natsBinary = await findNatsServer(join(options.root, 'tools', 'nats-server'), progress);

    progress('starting PostgreSQL');
    const password = await secrets.password('sql-postgres');
    const postgres = await preparePostgres({ dataDir: layout.postgres, port: ports.postgres, password });
    const server = await supervisor.start(postgres.spec);
    await waitForSql(`postgres://postgres:${password}@127.0.0.1:${ports.postgres}/postgres`, server);
    const databases = await prepareDatabases(ports.postgres, secrets);
    const context: ServiceContext = {
      root: options.root,
      ports,
      secrets,
      databases,
      env: options.env ?? {},
      nodeArgs: options.nodeArgs ?? [],
    };

    progress('migrating the databases');
    await Promise.all(MIGRATED_SERVICES.map((name) => runMigration(name, context)));

    progress('starting nats-server');
    const passwords = Object.fromEntries(
      await Promise.all(
        Object.keys(NATS_USERS).map(async (user) => [user, await secrets.password(`nats-${user}`)] as const),
      ),
    );
    await mkdir(layout.nats, { recursive: true, mode: 0o700 });
    const config = renderNatsConfig({
      serverName: 'headwater',
      port: ports.nats,
      storeDir: layout.natsStore,
      passwords,
    });
    await writeFile(layout.natsConfig, config, { mode: 0o600 });
    await supervisor.start(natsServerSpec(natsBinary, layout.natsConfig));
    const natsPassword = passwords['declarations'] ?? '';
    const stopApplying = await applyDeclarations(options.root, ports.nats, natsPassword, progress);

    try {
      progress(`starting ${SERVICE_NAMES.join(', ')}`);
      for (const name of SERVICE_NAMES) await supervisor.start(serviceSpec(name, context));
      await Promise.all(
        SERVICE_NAMES.map((name) => waitReady(name, opsPortOf(name, ports), () => supervisor.get(name))),
      );
    } catch (error) {
      await stopApplying();
      throw error;
    }
    return new LocalPlatform(ports, layout, supervisor, natsPassword, stopApplying);
  }

  get urls(): { api: string; docs: string; nats: string; grpc: string; simulator: string } {
    const api = `http://127.0.0.1:${this.ports.http}`;
    return {
      api,
      docs: `${api}/docs`,
      nats: `nats://127.0.0.1:${this.ports.nats}`,
      grpc: `127.0.0.1:${this.ports.grpc}`,
      simulator: `http://127.0.0.1:${this.ports['payment-simulator']}`,
    };
  }

  /** A NATS connection that may read and change declarations; for commands and tests, to be closed by the caller. */
  connectNats(): Promise<NatsConnection> {
    return connectAsDeclarations(this.ports.nats, this.natsPassword);
  }

  /** Names of all supervised processes: `postgres`, `nats-server` and the services. */
  processNames(): string[] {
    return this.supervisor.names();
  }

  process(name: string): ManagedProcess | undefined {
    return this.supervisor.get(name);
  }

  /** Waits until every service is ready. */
  async ready(): Promise<void> {
    await Promise.all(
      SERVICE_NAMES.map((name: ServiceName) => waitReady(name, opsPortOf(name, this.ports), () => undefined)),
    );
  }

  async stop(): Promise<void> {
    await this.stopApplying();
    await this.supervisor.stopAll();
    await forgetProcess(this.layout, SUPERVISOR);
  }
}

async function refuseTakenPorts(ports: Ports): Promise<void> {
  const taken: string[] = [];
  for (const [name, port] of Object.entries(ports))
    if (await portTaken(port)) taken.push(`${port} (${name})`);
  if (taken.length === 0) return;
  const noun = taken.length === 1 ? 'port is' : 'ports are';
  throw new SetupError(
    `the ${noun} taken by another program: ${taken.join(', ')}; end that program, or shift all ports with --port-offset 100`,
  );
}

async function waitForSql(url: string, server: ManagedProcess): Promise<void> {
  for (const deadline = Date.now() + 30_000; ;) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    try {
      await client.connect();
      return await client.end();
    } catch (cause) {
      if (!server.running)
        throw new SetupError(`PostgreSQL ended at its start:\n${server.output}`, { cause });
      // 28P01: the data was made with another password than the one that is kept beside it.
      if ((cause as { code?: unknown }).code === '28P01') {
        throw new SetupError(
          'PostgreSQL refuses the password that is kept for it; was a part of the data folder deleted?',
          { cause },
        );
      }
      if (Date.now() > deadline) throw new SetupError('PostgreSQL does not answer after 30 s', { cause });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function runMigration(name: ServiceName, context: ServiceContext): Promise<void> {
  const migration = ManagedProcess.start(serviceSpec(name, context, 'migrate'));
  const { code } = await migration.exited;
  if (code !== 0) throw new SetupError(`the migrations of ${name} failed:\n${migration.output}`);
}

function connectAsDeclarations(port: number, pass: string): Promise<NatsConnection> {
  return connect({
    servers: `127.0.0.1:${port}`,
    name: 'declarations',
    user: 'declarations',
    pass,
    inboxPrefix: '_INBOX_declarations',
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
  });
}

/** Applies `k8s/jetstream/` and keeps it applied, as the controller does in a cluster. */
async function applyDeclarations(
  root: string,
  port: number,
  password: string,
  progress: (line: string) => void,
): Promise<() => Promise<void>> {
  const manifests = await readManifests([join(root, 'k8s', 'jetstream')]);
  const connection = await connectAsDeclarations(port, password);
  const stop = new AbortController();
  const kept = keepApplied(connection, manifests, {
    signal: stop.signal,
    onChange: (applied) =>
      applied
        .filter(({ outcome }) => outcome !== 'unchanged')
        .map(describe)
        .forEach((line) => progress(line)),
  });
  return async () => {
    stop.abort();
    await kept;
    await connection.close();
  };
}

const describe = ({ kind, name, outcome, fields, reason }: Applied): string =>
  [
    `${kind} ${name} ${outcome}`,
    fields.length > 0 ? ` (${fields.join(', ')})` : '',
    reason ? `: ${reason}` : '',
  ].join('');
