import { ConsumerConfig, jetstreamManager } from '@nats-io/jetstream';
import { LOGS } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';
import { connectAsDeclarations } from '../local-credentials';
import { print, table } from '../table';

interface LagRow {
  kind: 'relay' | 'consumer';
  name: string;
  stream: string;
  /** Events not yet there, and given out but not yet acknowledged. */
  pending: number;
  inFlight: number;
  redelivered: number;
  /** Age of the oldest waiting event in seconds; undefined where it can't be told. */
  ageSeconds?: number;
  /** Change of pending and in flight between the two looks. */
  trend: number;
  note?: string;
}

export interface LagOptions {
  eventstore: string;
  nats: string;
  dataDir: string;
  seconds: number;
  json?: boolean;
}

/** Looks twice, so that what is merely busy can be told from what falls behind. */
export async function lag(options: LagOptions): Promise<void> {
  const store = new EventStoreClient({ address: options.eventstore, channels: 1 });
  const connection = await connectAsDeclarations(options);
  try {
    const manager = await jetstreamManager(connection);
    const look = async (): Promise<LagRow[]> =>
      (await Promise.all([relays(store), consumers(manager)])).flat();
    const before = new Map(
      (await look()).map((row) => [`${row.kind} ${row.stream} ${row.name}`, row.pending + row.inFlight]),
    );
    await new Promise((resolve) => setTimeout(resolve, options.seconds * 1000));
    const rows = (await look()).map((row) => {
      const was = before.get(`${row.kind} ${row.stream} ${row.name}`);
      return { ...row, trend: was === undefined ? 0 : row.pending + row.inFlight - was };
    });
    print(options.json ? JSON.stringify(rows) : render(rows));
  } finally {
    await Promise.all([store.close(), connection.close()]);
  }
}

function render(rows: LagRow[]): string {
  return table(
    ['WHAT', 'STREAM', 'NAME', 'PENDING', 'IN FLIGHT', 'REDELIVERED', 'AGE', 'TREND', ''],
    rows.map((row) => [
      row.kind,
      row.stream,
      row.name,
      row.pending,
      row.inFlight,
      row.redelivered,
      row.ageSeconds === undefined ? '-' : `${row.ageSeconds.toFixed(1)} s`,
      row.trend === 0 ? 'steady' : row.trend > 0 ? `growing (+${row.trend})` : `shrinking (${row.trend})`,
      row.note ?? '',
    ]),
  );
}

async function relays(store: EventStoreClient): Promise<LagRow[]> {
  return Promise.all(
    Object.values(LOGS).map(async (name): Promise<LagRow> => {
      const log = await store.getLog(name);
      const note = log.relayHalted ?? log.refused;
      return {
        kind: 'relay',
        name: `head ${log.head}`,
        stream: name,
        pending: log.head - log.relayed,
        inFlight: 0,
        redelivered: 0,
        ageSeconds: log.oldestUnrelayedSeconds,
        trend: 0,
        ...(note ? { note } : {}),
      };
    }),
  );
}

async function consumers(manager: Awaited<ReturnType<typeof jetstreamManager>>): Promise<LagRow[]> {
  const rows: LagRow[] = [];
  for (const stream of Object.values(LOGS)) {
    for await (const info of manager.consumers.list(stream)) {
      rows.push({
        kind: 'consumer',
        name: info.name,
        stream,
        pending: info.num_pending,
        inFlight: info.num_ack_pending,
        redelivered: info.num_redelivered,
        ...(await ageOfNext(
          manager,
          stream,
          info.ack_floor.stream_seq,
          info.num_pending + info.num_ack_pending,
          filtersOf(info.config),
        )),
        trend: 0,
      });
    }
  }
  return rows;
}

const filtersOf = ({ filter_subject, filter_subjects }: Partial<ConsumerConfig>): string[] =>
  filter_subjects?.length ? filter_subjects : [filter_subject || '>'];

/**
 * Age of the first message above the ack floor that the consumer's filters let through: an upper bound for the oldest one
 * that it has not handled, exact unless that one was acknowledged out of turn.
 */
async function ageOfNext(
  manager: Awaited<ReturnType<typeof jetstreamManager>>,
  stream: string,
  floor: number,
  waiting: number,
  filters: readonly string[],
): Promise<{ ageSeconds?: number }> {
  if (waiting === 0) return { ageSeconds: 0 };
  const found = await Promise.all(
    filters.map((next_by_subj) => {
      // The server's API has it; the client's type of this request does not name it.
      const query = { seq: floor + 1, next_by_subj };
      return manager.streams.getMessage(stream, query).catch(() => null);
    }),
  );
  const times = found.flatMap((message) => (message ? [message.time.getTime()] : []));
  return times.length === 0 ? {} : { ageSeconds: Math.max(0, (Date.now() - Math.min(...times)) / 1000) };
}
