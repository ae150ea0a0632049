import { RecordedEvent } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';
import { CommandFailed } from '../command-failed';
import { print } from '../table';

export interface ReadLogOptions {
  eventstore: string;
  after: number;
  limit: number;
}

/** Prints a log's events from a position on, one JSON document a line. */
export async function readLog(log: string, options: ReadLogOptions): Promise<void> {
  const store = new EventStoreClient({ address: options.eventstore, channels: 1 });
  try {
    let left = options.limit;
    for await (const page of store.readLog(log, { after: options.after })) {
      for (const event of page.slice(0, left)) print(JSON.stringify(readable(event)));
      left -= page.length;
      if (left <= 0) return;
    }
  } catch (cause) {
    throw new CommandFailed(
      `${log} can't be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
  } finally {
    await store.close();
  }
}

/** The payload as JSON where it is. */
function readable(event: RecordedEvent): unknown {
  try {
    return { ...event, data: JSON.parse(event.data) as unknown };
  } catch {
    return event;
  }
}
