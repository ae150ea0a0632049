import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { NATS_USERS } from '@headwater/contracts';
import {
  findNatsServer,
  ManagedProcess,
  natsServerSpec,
  portTaken,
  preparePostgres,
  renderNatsConfig,
  SetupError,
} from '@headwater/embedded';
import { runMigration, waitForNats, waitForSql } from './wait-servers';
import { prepareDatabases } from './databases';
import { applyDeclarations, connectAsDeclarations, messageOf } from './declarations';
import { Layout, Ports, portsWithOffset } from './layout';
import { endOrphans, forgetProcess, noteProcess, runningSupervisor, SUPERVISOR } from './orphans';
import { Secrets } from './secrets';
import {
  Instance,
  instancesOf,
  MIGRATED_SERVICES,
  Replicas,
  Route,
  SERVICE_NAMES,
  ServiceContext,
  serviceSpec,
  serversOf,
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
  /** Replicas of the services of which there can be several; one each where nothing is said. */
  replicas?: Replicas;
  /** Leads services to proxies before their servers; absent: to the servers themselves. */
  route?: Route;
  /** Takes the start back; afterwards it has no effect. */
  signal?: AbortSignal;
}

/** The start was taken back by its caller; nothing of it runs any more. */
export class StartInterrupted extends Error {
  override readonly name = 'StartInterrupted';
}

/** The whole platform as processes of this machine: PostgreSQL, nats-server and every app, supervised. */
export class LocalPlatform {
  private constructor(
    readonly ports: Ports,
    readonly layout: Layout,
    private readonly instances: readonly Instance[],
    private readonly supervisor: Supervisor,
    private readonly natsPassword: string,
    private readonly stopApplying: () => Promise<void>,
  ) {}

  /** @throws SetupError in one sentence, or StartInterrupted; what had been started is ended */
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
    await refuseTakenPorts(ports, instancesOf(ports, options.replicas));

    const supervisor = new Supervisor(layout, {
      ended: (name, how, ms) => progress(`${name} ended (${how}); starting it again in ${ms} ms`),
      failed: (name, error) => progress(`${name} could not be started: ${messageOf(error)}; trying again`),
    });
    try {
      return await this.bringUp(options, ports, layout, supervisor, progress);
    } catch (error) {
      await supervisor.stopAll();
      await forgetProcess(layout, SUPERVISOR);
      if (options.signal?.aborted) throw new StartInterrupted('the start was interrupted', { cause: error });
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
    const { signal } = options;
    const secrets = await Secrets.open(layout);
    await writeFile(layout.portsFile, `${JSON.stringify(ports, null, 2)}\n`);
    const natsBinary = await findNatsServer(join(options.root, 'tools', 'nats-server'), progress, signal);

    progress('starting PostgreSQL');
    const password = await secrets.password('sql-postgres');
    const postgres = await preparePostgres({
      dataDir: layout.postgres,
      port: ports.postgres,
      password,
      signal,
    });
    signal?.throwIfAborted();
    const server = await supervisor.start(postgres.spec);
    await waitForSql(`postgres://postgres:${password}@127.0.0.1:${ports.postgres}/postgres`, server, signal);
    const instances = instancesOf(ports, options.replicas);
    const route: Route = options.route ?? ((_process, server) => ports[server]);
    const routes = instances
      .filter(({ service }) => serversOf(service).includes('postgres'))
      .map(({ name }) => route(name, 'postgres'));
    const databaseFile = await prepareDatabases(ports.postgres, secrets, routes);
    const context: ServiceContext = {
      root: options.root,
      ports,
      secrets,
      databaseFile,
      env: options.env ?? {},
      nodeArgs: options.nodeArgs ?? [],
      route,
    };

    progress('migrating the databases');
    const migrated = instances.filter(({ name }) => MIGRATED_SERVICES.some((service) => service === name));
    await Promise.all(migrated.map((instance) => runMigration(instance, context, signal)));

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
    signal?.throwIfAborted();
    const natsServer = await supervisor.start(natsServerSpec(natsBinary, layout.natsConfig));
    const natsPassword = passwords['declarations'] ?? '';
    await waitForNats(ports.nats, natsPassword, natsServer, signal);
    const stopApplying = await applyDeclarations(options.root, ports.nats, natsPassword, progress);

    try {
      signal?.throwIfAborted();
      progress(`starting ${SERVICE_NAMES.join(', ')}`);
      for (const instance of instances) await supervisor.start(serviceSpec(instance, context));
      await Promise.all(
        instances.map(({ name, opsPort }) =>
          waitReady(name, opsPort, { process: supervisor.get(name), signal, progress }),
        ),
      );
    } catch (error) {
      await stopApplying();
      throw error;
    }
    return new LocalPlatform(ports, layout, instances, supervisor, natsPassword, stopApplying);
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

  /** Port of `/livez`, `/readyz` and `/metrics` of a process; undefined for the servers, which are not our own. */
  opsPort(process: string): number | undefined {
    return this.instances.find(({ name }) => name === process)?.opsPort;
  }

  /** Waits until every process of every service is ready. */
  async ready(): Promise<void> {
    await Promise.all(
      this.instances.map(({ name, opsPort }) => waitReady(name, opsPort, { process: undefined })),
    );
  }

  /** Ends everything in order: services first, then nats-server, then PostgreSQL. */
  async stop(): Promise<void> {
    await this.stopApplying();
    await this.supervisor.stopAll();
    await forgetProcess(this.layout, SUPERVISOR);
  }

  /** Ends everything at once, for who can't wait for `stop`; the data is as after a power cut. */
  kill(): Promise<void> {
    return this.supervisor.killAll();
  }
}

async function refuseTakenPorts(ports: Ports, instances: readonly Instance[]): Promise<void> {
  const taken: string[] = [];
  const wanted = new Map<number, string>(Object.entries(ports).map(([name, port]) => [port, name]));
  for (const { name, opsPort } of instances) if (!wanted.has(opsPort)) wanted.set(opsPort, `ops ${name}`);
  for (const [port, name] of wanted) if (await portTaken(port)) taken.push(`${port} (${name})`);
  if (taken.length === 0) return;
  const noun = taken.length === 1 ? 'port is' : 'ports are';
  throw new SetupError(
    `the ${noun} taken by another program: ${taken.join(', ')}; end that program, or shift all ports with --port-offset 100`,
  );
}
