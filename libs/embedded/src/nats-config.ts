import { NATS_USERS, NatsPermissions } from '@headwater/contracts';

export interface NatsConfigOptions {
  serverName: string;
  port: number;
  /** Monitoring over HTTP on loopback; none when absent. */
  monitorPort?: number;
  storeDir: string;
  /** Passwords by user name. Absent: anybody may do anything, for tests of single parts. */
  passwords?: Readonly<Record<string, string>>;
  /** Users beside those of the platform's table. */
  extraUsers?: Readonly<Record<string, NatsPermissions>>;
  /** By which placements choose servers. */
  tags?: readonly string[];
  cluster?: { name: string; port: number; routes: number[] };
  /** Bytes that JetStream may use on disk. */
  maxFileStore?: string;
}

const quote = (text: string): string => JSON.stringify(text);
const list = (subjects: readonly string[]): string => `[${subjects.map(quote).join(', ')}]`;

function renderUser(name: string, password: string, permissions: NatsPermissions): string {
  const responses = permissions.allowResponses ? ', allow_responses: true' : '';
  return `    { user: ${quote(name)}, password: ${quote(password)}, permissions: { publish: ${list(permissions.publish)}, subscribe: ${list(permissions.subscribe)}${responses} } }`;
}

/**
 * Configuration of a local nats-server.
 *
 * `sync_interval` is 100 ms: what a power cut takes from a stream is refilled from SQL, so syncing every message would
 * buy nothing (4,600 instead of 22,000 messages a second), and the server's default of two minutes loses more than needed.
 */
export function renderNatsConfig(options: NatsConfigOptions): string {
  const { passwords } = options;
  const users: Record<string, NatsPermissions> = { ...NATS_USERS, ...options.extraUsers };
  return [
    `server_name: ${quote(options.serverName)}`,
    `listen: "127.0.0.1:${options.port}"`,
    ...(options.monitorPort ? [`http: "127.0.0.1:${options.monitorPort}"`] : []),
    `jetstream: { store_dir: ${quote(options.storeDir)}, sync_interval: "100ms"${options.maxFileStore ? `, max_file_store: ${options.maxFileStore}` : ''} }`,
    'max_payload: 1MB',
    ...(options.tags ? [`server_tags: ${list(options.tags)}`] : []),
    ...(options.cluster
      ? [
          `cluster: { name: ${quote(options.cluster.name)}, listen: "127.0.0.1:${options.cluster.port}", routes: ${list(options.cluster.routes.map((port) => `nats://127.0.0.1:${port}`))} }`,
        ]
      : []),
    ...(passwords
      ? [
          'authorization: {',
          '  users: [',
          Object.entries(users)
            .flatMap(([name, permissions]) => {
              const password = passwords[name];
              return password === undefined ? [] : [renderUser(name, password, permissions)];
            })
            .join(',\n'),
          '  ]',
          '}',
        ]
      : []),
    '',
  ].join('\n');
}
