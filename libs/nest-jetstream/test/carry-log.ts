import { headersOf, RecordedEvent, subjectOf } from '@headwater/contracts';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers, NatsConnection } from '@nats-io/transport-node';

interface FollowedLog {
  followLog(
    log: string,
    options: { after: number; signal: AbortSignal },
  ): AsyncIterable<{ events: RecordedEvent[]; position: number }>;
}

/** Carries a log into its stream as the relay does, as long as all is well: sequence = position. Returns how to end it. */
export async function carryLog(
  store: FollowedLog,
  log: string,
  connection: NatsConnection,
): Promise<() => Promise<void>> {
  const manager = await jetstreamManager(connection);
  const client = jetstream(connection);
  await manager.streams.add({ name: log, subjects: [`${log}.>`] });
  const stop = new AbortController();
  const carried = (async () => {
    for await (const { events } of store.followLog(log, { after: 0, signal: stop.signal })) {
      for (const event of events) {
        const sent = headers();
        for (const [name, value] of headersOf(event)) sent.set(name, value);
        await client.publish(subjectOf(event.eventType, event.aggregateId), event.data, { headers: sent });
      }
    }
  })();
  return async () => {
    stop.abort();
    await carried;
  };
}
