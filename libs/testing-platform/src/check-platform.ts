import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { HEADERS, LOGS, RecordedEvent } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';

/** Every event of a log; throws where positions are not 1, 2, 3 … */
export async function readWholeLog(store: EventStoreClient, log: string): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const page of store.readLog(log, { after: 0 })) {
    for (const event of page) {
      if (event.position !== events.length + 1) {
        throw new Error(`${log}: position ${events.length + 1} is missing, ${event.position} follows`);
      }
      events.push(event);
    }
  }
  const versions = new Map<string, number>();
  for (const { aggregateId, version, position } of events) {
    const expected = (versions.get(aggregateId) ?? 0) + 1;
    if (version !== expected)
      throw new Error(`${log}: position ${position} has version ${version}, not ${expected}`);
    versions.set(aggregateId, version);
  }
  return events;
}

/** A running platform, on this machine or behind forwarded ports. */
export interface ReachablePlatform {
  urls: { api: string; grpc: string; simulator: string };
  /** As a user that may read streams; to be closed by the caller. */
  connectNats(): Promise<NatsConnection>;
}

/** Throws unless the stream holds exactly the log's events, each at the sequence that is its position. */
export async function compareStreamWithLog(
  platform: ReachablePlatform,
  events: readonly RecordedEvent[],
): Promise<void> {
  const connection = await platform.connectNats();
  try {
    const manager = await jetstreamManager(connection);
    const info = await manager.streams.info(LOGS.orders);
    if (info.state.messages !== events.length || info.state.last_seq !== events.length) {
      throw new Error(
        `the stream has ${info.state.messages} messages up to ${info.state.last_seq}, the log ${events.length}`,
      );
    }
    for (let from = 0; from < events.length; from += 64) {
      await Promise.all(
        events.slice(from, from + 64).map(async (event) => {
          const message = await manager.streams.getMessage(LOGS.orders, { seq: event.position });
          const id = message?.header.get(HEADERS.id);
          if (id !== event.eventId)
            throw new Error(`sequence ${event.position} holds ${id}, the log ${event.eventId}`);
          if (message?.string() !== event.data)
            throw new Error(`sequence ${event.position} has another body than the log`);
        }),
      );
    }
  } finally {
    await connection.close();
  }
}
