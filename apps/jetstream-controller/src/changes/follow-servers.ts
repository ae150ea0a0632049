import type { NatsConnection } from '@nats-io/transport-node';
import type { ConnectionPool } from '../connections/connection-pool';
import { type Changed, watchChanges } from './advisories';

export interface ServerListeners {
  /** JetStream has announced a change. */
  onChanged: (connection: string, changed: Changed) => void;
  /** The connection is there, or there again: what was announced meanwhile is lost. */
  onBack: (connection: string) => void;
  /** The connection has been away for a while. */
  onGone: (connection: string) => void;
}

/** Milliseconds that a connection may be away before its objects say so: most outages are shorter, and cost no writes. */
const GRACE_MS = 3_000;

interface Followed {
  connection?: NatsConnection;
  stop?: () => void;
  grace?: NodeJS.Timeout;
}

/**
 * Follows every connection of the pool, those to come too.
 *
 * @returns ends it
 */
export function followServers(pool: ConnectionPool, listeners: ServerListeners): () => void {
  const all = new Map<string, Followed>();
  const look = (key: string): void => {
    const followed = all.get(key) ?? {};
    all.set(key, followed);
    clearTimeout(followed.grace);
    const server = pool.serverOf(key);
    if (server.status !== 'connected') {
      followed.grace = setTimeout(() => listeners.onGone(key), GRACE_MS);
      return;
    }
    if (followed.connection !== server.connection) {
      followed.stop?.();
      followed.connection = server.connection;
      followed.stop = watchChanges(server.connection, pool.clientName, (changed) =>
        listeners.onChanged(key, changed),
      );
    }
    listeners.onBack(key);
  };
  const stop = pool.onChange(look);
  for (const key of pool.keys()) look(key);
  return () => {
    stop();
    for (const { stop: unsubscribe, grace } of all.values()) {
      unsubscribe?.();
      clearTimeout(grace);
    }
  };
}
