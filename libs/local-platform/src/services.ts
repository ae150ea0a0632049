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
  databases: Record<SqlUser, string>;
  /** Added to every service's environment. */
  env: Readonly<Record<string, string>>;
  /** Options of Node itself, for every service. */
  nodeArgs: readonly string[];
}

interface ServiceDefinition {
  /** Folder below `apps/`. */
  app: string;
  opsPort: keyof Ports;
  nats?: NatsUserName;
  sql?: SqlUser;
  usesEventStore?: boolean;
  env?: (context: ServiceContext) => Record<string, string>;
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
    env: ({ ports }) => ({ HEADWATER_PAYMENT_URL: `http://127.0.0.1:${ports['payment-simulator']}` }),
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

export const opsPortOf = (name: ServiceName, ports: Ports): number => ports[SERVICES[name].opsPort];

/** Services whose tables have migrations, with the user that runs them. */
export const MIGRATED_SERVICES = [
  'eventstore',
  'payment-simulator',
  'projection',
  'coordinator',
] as const satisfies ServiceName[];

/** How to start a service, or another entry point of its app, such as `migrate`. */
export function serviceSpec(name: ServiceName, context: ServiceContext, entry = 'main'): ProcessSpec {
  const service: ServiceDefinition = SERVICES[name];
  const { ports, secrets } = context;
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
      HEADWATER_OPS_PORT: String(opsPortOf(name, ports)),
      ...(service.nats
        ? {
            HEADWATER_NATS_URL: `nats://127.0.0.1:${ports.nats}`,
            HEADWATER_NATS_USER: service.nats,
            HEADWATER_NATS_PASSWORD_FILE: secrets.passwordFile(`nats-${service.nats}`),
          }
        : {}),
      ...(service.sql ? { HEADWATER_DATABASE_URL_FILE: context.databases[service.sql] } : {}),
      ...(service.usesEventStore ? { HEADWATER_EVENTSTORE_ADDRESS: `127.0.0.1:${ports.grpc}` } : {}),
      ...service.env?.(context),
      ...context.env,
    },
  };
}

/** Instrumentations must be there before what they instrument; nothing of it is loaded unless an exporter is named. */
const tracingArgs = (root: string): string[] =>
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT']
    ? ['--require', join(root, 'libs', 'platform', 'dist', 'start-tracing.js')]
    : [];
