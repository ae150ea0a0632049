import { readdir, readFile } from 'node:fs/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { JetStreamApi } from '@headwater/jetstream-resources';
import { KubernetesClient, tokenAccess } from '@headwater/kubernetes';
import {
  startTestControlPlane,
  startTestNats,
  type TestControlPlane,
  type TestNats,
  type TestNatsOptions,
} from '@headwater/testing';
import { parse } from 'yaml';
import { type ControllerOptions, type ControllerProcess, startController } from './controller-process';
import { Resources } from './resources';

/** From `src` as from `dist`. */
const CRDS = resolve(__dirname, '../../../charts/jetstream-controller/crds');

export interface WorldOptions {
  nats?: TestNatsOptions;
}

/** A real API server with our resources, a real nats-server, and controllers between them. */
export interface ControllerWorld {
  plane: TestControlPlane;
  nats: TestNats;
  /** As an administrator of the cluster. */
  kube: KubernetesClient;
  /** JetStream as somebody else: what is done by hand here is drift to the controller. */
  jetstream: JetStreamApi;
  connection: NatsConnection;
  /** The resources of a new namespace. */
  namespace(): Promise<Resources>;
  /** A further controller; the first of them leads. */
  start(options?: Partial<ControllerOptions>): Promise<ControllerProcess>;
  end(): Promise<void>;
}

/** Takes about 5 s. */
export async function startControllerWorld(options: WorldOptions = {}): Promise<ControllerWorld> {
  const [plane, nats, folder] = await Promise.all([
    startTestControlPlane(),
    startTestNats(options.nats),
    mkdtemp(join(tmpdir(), 'headwater-controller-')),
  ]);
  await plane.installCrds(...(await crds()));
  const leaseNamespace = await plane.createNamespace('lease');
  const kube = new KubernetesClient({ access: tokenAccess(plane.admin) });
  const connection = await connect({ servers: nats.url, name: 'somebody else', maxReconnectAttempts: -1 });
  const controllers: ControllerProcess[] = [];
  return {
    plane,
    nats,
    kube,
    connection,
    jetstream: new JetStreamApi(connection),
    namespace: async () => new Resources(kube, await plane.createNamespace()),
    start: async (more = {}) => {
      const controller = await startController({
        access: plane.admin,
        natsUrl: nats.url,
        folder,
        leaseNamespace,
        ...more,
      });
      controllers.push(controller);
      return controller;
    },
    end: async () => {
      await Promise.all(controllers.filter(({ running }) => running).map((controller) => controller.kill()));
      await connection.close();
      await kube.close();
      await Promise.all([plane.stop(), nats.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function crds(): Promise<object[]> {
  const files = (await readdir(CRDS)).filter((name) => name.endsWith('.yaml'));
  return Promise.all(files.map(async (file) => parse(await readFile(join(CRDS, file), 'utf8')) as object));
}
