import { Pool } from 'pg';
import { EventStore } from '@headwater/eventstore';
import { connectNats, ProcessContext } from '@headwater/platform';
import { EventStoreConfig } from './config';
import { Relay, startRelay } from './relay/relay';

/**
 * Starts the relay of every log as soon as NATS is there, which it need not be: appends and reads go on without it.
 *
 * @returns stops them
 */
export function runRelays(
  config: EventStoreConfig,
  pool: Pool,
  store: EventStore,
  { log, metrics }: ProcessContext,
): () => Promise<void> {
  let stopped = false;
  const relays: Relay[] = [];
  // No dependency of readiness: an event store that can't relay still takes appends, and shows its lag.
  const started = connectNats(config, 'eventstore').then(async (nats) => {
    if (stopped) return nats.close();
    for (const { name, partitions } of config.HEADWATER_LOGS) {
      relays.push(startRelay({ pool, log: name, partitions, nats, logger: log, commits: store, metrics }));
    }
    return async () => {
      await Promise.all(relays.map((relay) => relay.stop()));
      await nats.drain();
    };
  });
  started.catch((error: unknown) => log.error({ err: error }, 'the relays could not be started'));
  return async () => {
    stopped = true;
    // While NATS has never been there, there is nothing to wait for.
    if (relays.length === 0) return;
    const stop = await started;
    await stop?.();
  };
}
