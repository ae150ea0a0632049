import { readFileSync } from 'node:fs';
import { connect, NatsConnection } from '@nats-io/transport-node';
import { Dependency } from './readiness';

export interface NatsSettings {
  HEADWATER_NATS_URL: string;
  HEADWATER_NATS_USER?: string | undefined;
  HEADWATER_NATS_PASSWORD?: string | undefined;
  HEADWATER_NATS_CA_FILE?: string | undefined;
}

/**
 * A connection that waits for the first server, reconnects for ever, and reports to readiness. Inboxes carry the user's
 * own prefix, because permissions let no user read another's answers.
 */
export async function connectNats(
  settings: NatsSettings,
  name: string,
  dependency?: Dependency,
): Promise<NatsConnection> {
  const {
    HEADWATER_NATS_USER: user,
    HEADWATER_NATS_PASSWORD: pass,
    HEADWATER_NATS_CA_FILE: caFile,
  } = settings;
  const connection = await connect({
    servers: settings.HEADWATER_NATS_URL.split(',').map((url) => url.trim()),
    name,
    ...(user ? { user, pass: pass ?? '', inboxPrefix: `_INBOX_${user}` } : {}),
    ...(caFile ? { tls: { ca: readFileSync(caFile, 'utf8') } } : {}),
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    // A server that has stopped answering (paused, cut off) is left after two missed pings.
    pingInterval: 5_000,
    maxPingOut: 2,
    ignoreAuthErrorAbort: true,
  });
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
