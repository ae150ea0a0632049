import {
  AuthorizationError,
  NatsConnection,
  PermissionViolationError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';
import { Pool } from 'pg';
import { EventStore } from '@headwater/eventstore';
import { connectNats, Dependency, messageOf, ProcessContext } from '@headwater/platform';
import { pause } from '@headwater/sql';
import { EventStoreConfig } from './config';
import { endsWithin } from './ends-within';
import { Relay, startRelay } from './relay/relay';
import { RelayState } from './relay/relay-state';

/** Milliseconds after which faulty settings are looked at again: a file may have been put in its place. */
const AGAIN_MS = 5_000;
/** Milliseconds that a connection has for its end; a server that does not answer would hold it for ever. */
const CLOSE_MS = 1_000;

/**
 * Starts the relay of every log as soon as NATS is there, which it need not be: appends and reads go on without it, so
 * its absence is no matter of readiness. What no waiting mends is: settings that are wrong, and a user whom the server
 * refuses, or does not let publish.
 *
 * @returns stops them, within seconds
 */
export function runRelays(
  config: EventStoreConfig,
  pool: Pool,
  store: EventStore,
  { log, metrics, readiness }: Pick<ProcessContext, 'log' | 'metrics' | 'readiness'>,
): () => Promise<void> {
  const stopping = new AbortController();
  const startable = readiness.declare('relays');
  startable.up();
  const relays: Relay[] = [];
  let connection: NatsConnection | undefined;

  const start = async (): Promise<void> => {
    const nats = await connectNats(config, 'eventstore', undefined, {
      onFailure: (error) => tell(startable, error),
      signal: stopping.signal,
    });
    if (stopping.signal.aborted) return nats.close();
    connection = nats;
    startable.up();
    void tellRefusals(nats, startable);
    for (const { name, partitions } of config.HEADWATER_LOGS) {
      const onState = upWhenProgressing(startable);
      relays.push(
        startRelay({ pool, log: name, partitions, nats, logger: log, commits: store, metrics, onState }),
      );
    }
  };
  const startAtLast = async (): Promise<void> => {
    while (!connection && !stopping.signal.aborted) {
      try {
        await start();
      } catch (error) {
        if (stopping.signal.aborted) return;
        log.error({ err: error }, 'the relays could not be started');
        startable.down(`they could not be started: ${messageOf(error)}`);
        await pause(AGAIN_MS, stopping.signal);
      }
    }
  };
  const started = startAtLast();
  return async () => {
    stopping.abort();
    // An attempt to connect to a server that does not answer takes longer than anybody should wait.
    await endsWithin(started, CLOSE_MS);
    await Promise.all(relays.map((relay) => relay.stop()));
    if (connection) await endsWithin(connection.close(), CLOSE_MS);
  };
}

/** Down for a refusal of this user; anything else is a server that is away. */
function tell(startable: Dependency, error: Error): void {
  if (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError)
    startable.down(`the NATS server refuses this user: ${error.message}`);
  else if (error instanceof PermissionViolationError)
    startable.down(`the NATS user lacks a permission: ${error.message}`);
  else startable.up();
}

async function tellRefusals(nats: NatsConnection, startable: Dependency): Promise<void> {
  // Ends when the connection is closed.
  for await (const status of nats.status()) {
    if (status.type === 'reconnect') startable.up();
    else if (status.type === 'error') tell(startable, status.error);
  }
}

/** A permission that was granted meanwhile is noticed by what it allows. */
function upWhenProgressing(startable: Dependency): (state: RelayState) => void {
  let last: number | undefined;
  return ({ holder, relayed }) => {
    if (!holder) return;
    if (last !== undefined && relayed > last) startable.up();
    last = relayed;
  };
}
