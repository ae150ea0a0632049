import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, InvalidArgumentError, NatsConnection } from '@nats-io/transport-node';
import { Dependency } from './readiness';

export interface NatsSettings {
  HEADWATER_NATS_URL: string;
  HEADWATER_NATS_USER?: string | undefined;
  HEADWATER_NATS_PASSWORD?: string | undefined;
  HEADWATER_NATS_CA_FILE?: string | undefined;
}

export interface FirstConnection {
  /** Is told why there is none yet: no server, or one that refuses this user. */
  onFailure?: (error: Error) => void;
  /** Ends the attempts. */
  signal?: AbortSignal;
}

/** Milliseconds between attempts to connect, and as many more at random. */
const RETRY_MS = 250;

/** How every connection is kept: it comes back for ever, and notices a server that has stopped answering. */
export const KEPT_CONNECTION = {
  maxReconnectAttempts: -1,
  reconnectTimeWait: RETRY_MS,
  reconnectJitter: RETRY_MS,
  // A server that has stopped answering (paused, cut off) is left after two missed pings.
  pingInterval: 5_000,
  maxPingOut: 2,
  ignoreAuthErrorAbort: true,
} as const;

/**
 * A connection that waits for the first server, reconnects for ever, and reports to readiness. Inboxes carry the user's
 * own prefix, because permissions let no user read another's answers.
 *
 * @throws when the settings themselves are wrong, such as a CA file that can't be read, and when `first.signal` is aborted
 *   before there is a connection
 */
export async function connectNats(
  settings: NatsSettings,
  name: string,
  dependency?: Dependency,
  first: FirstConnection = {},
): Promise<NatsConnection> {
  const {
    HEADWATER_NATS_USER: user,
    HEADWATER_NATS_PASSWORD: pass,
    HEADWATER_NATS_CA_FILE: caFile,
  } = settings;
  const options = {
    servers: settings.HEADWATER_NATS_URL.split(',').map((url) => url.trim()),
    name,
    ...(user ? { user, pass: pass ?? '', inboxPrefix: `_INBOX_${user}` } : {}),
    ...(caFile ? { tls: { ca: readFileSync(caFile, 'utf8') } } : {}),
    ...KEPT_CONNECTION,
  };
  let connection: NatsConnection | undefined;
  // The client's own waiting for its first server does not tell what it waits for.
  while (!connection) {
    try {
      connection = await connect(options);
    } catch (error) {
      if (!(error instanceof Error) || error instanceof InvalidArgumentError) throw error;
      dependency?.down(`no connection yet: ${error.message}`);
      first.onFailure?.(error);
      first.signal?.throwIfAborted();
      await sleep(RETRY_MS * (1 + Math.random()), undefined, {
        ...(first.signal ? { signal: first.signal } : {}),
      });
    }
  }
  dependency?.up();
  if (dependency) void watch(connection, dependency);
  return connection;
}

async function watch(connection: NatsConnection, dependency: Dependency): Promise<void> {
  for await (const status of connection.status()) {
    switch (status.type) {
      case 'reconnect':
        dependency.up();
        break;
      case 'disconnect':
      case 'staleConnection':
      case 'close':
        dependency.down('the connection is lost');
        break;
      case 'error':
      case 'ldm':
      case 'ping':
      case 'reconnecting':
      case 'forceReconnect':
      case 'slowConsumer':
      case 'update':
        break;
    }
  }
}
