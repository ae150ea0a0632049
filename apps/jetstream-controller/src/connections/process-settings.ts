import { readFileSync } from 'node:fs';
import type { RuntimeLog } from '@headwater/kubernetes';
import { messageOf } from '@headwater/platform';
import { type ControllerConfig, readControllerConfig } from '../config';
import { type ConnectionPool, DEFAULT_CONNECTION } from './connection-pool';
import { natsSettings, type NatsSettings } from './nats-settings';

/** Milliseconds between two looks at the files of password and certificate; a mounted Secret changes under the process. */
const LOOK_MS = 5_000;

/**
 * Gives the pool the connection that the process was started with, and gives it again when the files behind it change.
 *
 * @returns ends that
 */
export function followProcessSettings(
  pool: ConnectionPool,
  config: ControllerConfig,
  log: RuntimeLog,
): () => Promise<void> {
  pool.set(DEFAULT_CONNECTION, settingsOf(config));
  const timer = setInterval(() => {
    try {
      pool.set(DEFAULT_CONNECTION, settingsOf(readControllerConfig()));
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'the settings of the connection to NATS can not be read again');
    }
  }, LOOK_MS);
  return () => {
    clearInterval(timer);
    return Promise.resolve();
  };
}

function settingsOf(config: ControllerConfig): NatsSettings {
  const {
    HEADWATER_NATS_URL: url,
    HEADWATER_NATS_USER: user,
    HEADWATER_NATS_PASSWORD: password = '',
    HEADWATER_NATS_CA_FILE: caFile,
  } = config;
  return natsSettings({
    servers: url.split(',').map((server) => server.trim()),
    inboxPrefix: user === undefined ? undefined : `_INBOX_${user}`,
    tls: caFile === undefined ? undefined : { ca: readFileSync(caFile, 'utf8') },
    login: user === undefined ? undefined : { kind: 'password', user, password },
  });
}
