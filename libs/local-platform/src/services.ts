import { join } from 'node:path';
import { NatsUserName } from '@headwater/contracts';
import { ProcessSpec } from '@headwater/embedded';
import { SqlUser } from './databases';
import { Ports } from './layout';
import { Secrets } from './secrets';

export interface ServiceContext {
  /** Root of the repository, where `apps/` lies, built. */
  root: string;
  ports: Ports;
  secrets: Secrets;
  /** The file with a user's connection address to a server at this port. */
  databaseFile: (user: SqlUser, port: number) => string;
  /** Added to every service's environment. */
  env: Readonly<Record<string, string>>;
  /** Options of Node itself, for every service. */
  nodeArgs: readonly string[];
  /** The port at which a process reaches a server. */
  route: Route;
}

/** Servers that services are told the way to. */
export const ROUTED_SERVERS = ['nats', 'postgres', 'grpc', 'payment-simulator'] as const;
export type RoutedServer = (typeof ROUTED_SERVERS)[number];

/** The port at which a process reaches a server: the server's own, or that of a proxy before it. */
export type Route = (process: string, server: RoutedServer) => number;

/** One running process of a service; a service with several replicas has one for each. */
export interface Instance {
  service: ServiceName;
  /** The service's name, from the second replica on with its number: `payment`, `payment-2`. */
  name: string;
  opsPort: number;
}

/** Services of which several replicas can share a machine: they listen on no port but their own of health and metrics. */
export const REPLICABLE = ['payment', 'review', 'projection', 'coordinator'] as const;
export type Replicas = Readonly<Partial<Record<(typeof REPLICABLE)[number], number>>>;
/** Ports of health and metrics of a service's replicas are so far apart. */
const REPLICA_PORTS = 10;

interface ServiceDefinition {
  /** Folder below `apps/`. */
  app: string;
  opsPort: keyof Ports;
  nats?: NatsUserName;
  sql?: SqlUser;
  usesEventStore?: boolean;
  /** Servers that it is told of by `env`. */
  reaches?: readonly RoutedServer[];
  env?: (context: ServiceContext, instance: Instance) => Record<string, string>;
}

/** The platform's own processes, in the order they are started. */
const SERVICES = {
  eventstore: {
    app: 'eventstore',
    opsPort: 'ops eventstore',
    nats: 'eventstore',
    sql: 'eventstore',
    env: ({ ports }) => ({ HEADWATER_GRPC_HOST: '127.0.0.1', HEADWATER_GRPC_PORT: String(ports.grpc) }),
  },
  'payment-simulator': {
    app: 'payment-simulator',
    opsPort: 'ops payment-simulator',
    sql: 'payment_simulator',
    env: ({ ports }) => ({
      HEADWATER_HTTP_HOST: '127.0.0.1',
      HEADWATER_HTTP_PORT: String(ports['payment-simulator']),
    }),
  },
  payment: {
    app: 'workers/payment',
    opsPort: 'ops payment',
    nats: 'payment',
    usesEventStore: true,
    reaches: ['payment-simulator'],
    env: ({ route }, { name }) => ({
      HEADWATER_PAYMENT_URL: `http://127.0.0.1:${route(name, 'payment-simulator')}`,
    }),
  },
  review: { app: 'workers/review', opsPort: 'ops review', nats: 'review', usesEventStore: true },
  projection: {
    app: 'workers/projection',
    opsPort: 'ops projection',
    nats: 'projection',
    sql: 'projection',
    usesEventStore: true,
  },
  coordinator: {
    app: 'coordinator',
    opsPort: 'ops coordinator',
    nats: 'coordinator',
    sql: 'coordinator',
    usesEventStore: true,
  },
  order: {
    app: 'order',
    opsPort: 'ops order',
    sql: 'order_api',
    usesEventStore: true,
    env: ({ ports }) => ({ HEADWATER_HTTP_HOST: '127.0.0.1', HEADWATER_HTTP_PORT: String(ports.http) }),
  },
} as const satisfies Record<string, ServiceDefinition>;

export type ServiceName = keyof typeof SERVICES;
export const SERVICE_NAMES = Object.keys(SERVICES) as ServiceName[];

/** Every process of the platform's own, in the order they are started. */
export function instancesOf(ports: Ports, replicas: Replicas = {}): Instance[] {
  return SERVICE_NAMES.flatMap((service) => {
    const known = REPLICABLE.find((name) => name === service);
    const count = known === undefined ? 1 : (replicas[known] ?? 1);
    const opsPort = ports[SERVICES[service].opsPort];
    return Array.from({ length: count }, (_, n) => ({
      service,
      name: n === 0 ? service : `${service}-${n + 1}`,
      opsPort: opsPort + n * REPLICA_PORTS,
    }));
  });
}

/** The servers that a service reaches over the network. */
export function serversOf(name: ServiceName): RoutedServer[] {
  const { nats, sql, usesEventStore, reaches = [] }: ServiceDefinition = SERVICES[name];
  return [
    ...(nats ? (['nats'] as const) : []),
    ...(sql ? (['postgres'] as const) : []),
    ...(usesEventStore ? (['grpc'] as const) : []),
    ...reaches,
  ];
}

/** Services whose tables have migrations, with the user that runs them. */
export const MIGRATED_SERVICES = [
  'eventstore',
  'payment-simulator',
  'projection',
  'coordinator',
] as const satisfies ServiceName[];

/** How to start a service, or another entry point of its app, such as `migrate`. */
export function serviceSpec(instance: Instance, context: ServiceContext, entry = 'main'): ProcessSpec {
  const { name, opsPort } = instance;
  const service: ServiceDefinition = SERVICES[instance.service];
  const { secrets, route } = context;
  return {
    name,
    command: process.execPath,
    args: [
      ...context.nodeArgs,
      ...tracingArgs(context.root),
      '--enable-source-maps',
      join(context.root, 'apps', service.app, 'dist', `${entry}.js`),
    ],
    cwd: context.root,
    stopSignal: 'SIGTERM',
    env: {
      NODE_ENV: 'production',
      // Whatever this process was started with is not meant for them.
      NODE_OPTIONS: '',
      OTEL_SERVICE_NAME: name,
      HEADWATER_OPS_HOST: '127.0.0.1',
      HEADWATER_OPS_PORT: String(opsPort),
      ...(service.nats
        ? {
            HEADWATER_NATS_URL: `nats://127.0.0.1:${route(name, 'nats')}`,
            HEADWATER_NATS_USER: service.nats,
            HEADWATER_NATS_PASSWORD_FILE: secrets.passwordFile(`nats-${service.nats}`),
          }
        : {}),
      ...(service.sql
        ? { HEADWATER_DATABASE_URL_FILE: context.databaseFile(service.sql, route(name, 'postgres')) }
        : {}),
      ...(service.usesEventStore ? { HEADWATER_EVENTSTORE_ADDRESS: `127.0.0.1:${route(name, 'grpc')}` } : {}),
      ...service.env?.(context, instance),
      ...context.env,
    },
  };
}

/** Instrumentations must be there before what they instrument; nothing of it is loaded unless an exporter is named. */
const tracingArgs = (root: string): string[] =>
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT']
    ? ['--require', join(root, 'libs', 'platform', 'dist', 'start-tracing.js')]
    : [];
