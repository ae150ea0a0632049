import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import {
  findNatsServer,
  freePort,
  ManagedProcess,
  natsServerSpec,
  preparePostgres,
  removePostgresData,
  renderNatsConfig,
} from '@headwater/embedded';
import { declareLogs, EVENTSTORE_MIGRATIONS, EventStore } from '@headwater/eventstore';
import { EventStoreClient } from '@headwater/eventstore-client';
import { createPool, isUnavailable, migrateDatabase } from '@headwater/sql';

const HELP = `npm run bench -- append [--json] [--seconds S]

Events per second that the event store commits, one event to an append, with PostgreSQL's fsync on: in the process of
the callers, and over gRPC (AppendStream) in a process of its own; then messages per second that the relay carries of
what was appended. Everything runs on this machine. Ratios within one run say more than the numbers.

  --seconds S   length of each measurement (default 3)
  --json        the result as one JSON line, last`;

const CALLERS = [1, 64, 256];
const LOG = 'BENCH';
const root = resolve(__dirname, '../..');
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: {
      json: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '3' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(`${HELP}\n`);
  const seconds = Number(values.seconds);
  const dataDir = await mkdtemp(join(tmpdir(), 'headwater-bench-'));
  const started: ManagedProcess[] = [];
  const [sqlPort, natsPort, grpcPort, opsPort] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const postgres = await preparePostgres({ dataDir: join(dataDir, 'postgres'), port: sqlPort });
  const end = async (): Promise<void> => {
    for (const one of started.reverse()) await one.stop();
    await removePostgresData(postgres.dataDir);
    await rm(dataDir, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void end().then(() => process.exit(1)));
  }
  try {
    started.push(ManagedProcess.start(postgres.spec));
    const url = `postgres://postgres@127.0.0.1:${sqlPort}/postgres`;
    await untilMigrated(url);
    const inProcess = await measureInProcess(url, seconds);

    const natsConfig = join(dataDir, 'nats.conf');
    await mkdir(join(dataDir, 'nats'));
    const rendered = { serverName: 'bench', port: natsPort, storeDir: join(dataDir, 'nats') };
    await writeFile(natsConfig, renderNatsConfig(rendered));
    const binary = await findNatsServer(join(root, 'tools/nats-server'), say);
    started.push(ManagedProcess.start(natsServerSpec(binary, natsConfig)));
    started.push(
      ManagedProcess.start({
        name: 'eventstore',
        command: process.execPath,
        args: [join(root, 'apps/eventstore/dist/main.js')],
        env: {
          HEADWATER_DATABASE_URL: url,
          HEADWATER_LOGS: LOG,
          HEADWATER_NATS_URL: `nats://127.0.0.1:${natsPort}`,
          HEADWATER_GRPC_HOST: '127.0.0.1',
          HEADWATER_GRPC_PORT: String(grpcPort),
          HEADWATER_OPS_HOST: '127.0.0.1',
          HEADWATER_OPS_PORT: String(opsPort),
          HEADWATER_LOG_LEVEL: 'fatal',
        },
        stopSignal: 'SIGTERM',
      }),
    );
    const client = new EventStoreClient({ address: `127.0.0.1:${grpcPort}`, appendDeadlineMs: 30_000 });
    await client.ready();
    const overGrpc = await measure('over gRPC', seconds, (id) => client.append(LOG, [aggregateOf(id)]));
    const relay = await measureRelay(client, natsPort);
    await client.close();

    const result = {
      bench: 'append',
      secondsEach: seconds,
      inProcessEventsPerSecond: inProcess,
      grpcEventsPerSecond: overGrpc,
      relayedMessages: relay.messages,
      relayMessagesPerSecond: relay.perSecond,
      node: process.version,
    };
    process.stdout.write(
      values.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, null, 2)}\n`,
    );
  } finally {
    await end();
  }
}

/** A server that has just been started refuses connections for a moment. */
async function untilMigrated(url: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await migrateDatabase(url, EVENTSTORE_MIGRATIONS);
      return;
    } catch (error) {
      if (!isUnavailable(error) || attempt > 200) throw error;
      await sleep(50);
    }
  }
}

const aggregateOf = (id: string) => ({
  aggregateId: id,
  aggregateType: 'bench',
  expected: 'no_stream' as const,
  events: [
    { eventId: id, eventType: `${LOG}.measured`, data: JSON.stringify({ id, note: 'x'.repeat(200) }) },
  ],
});

async function measureInProcess(url: string, seconds: number): Promise<Record<string, number>> {
  const pool = createPool({ url, applicationName: 'bench', settings: { enable_seqscan: 'off' } });
  await declareLogs(pool, [LOG]);
  const store = new EventStore(pool, { logs: [LOG] });
  try {
    return await measure('in process', seconds, (id) => {
      const { events, ...aggregate } = aggregateOf(id);
      const named = events.map((event) => ({ ...event, metadata: '' }));
      return store.append({ log: LOG, aggregates: [{ ...aggregate, events: named }] });
    });
  } finally {
    await store.close();
    await pool.end();
  }
}

/** Appends per second by the number of callers, each of which waits for its answer; the first half second is left out. */
async function measure(
  where: string,
  seconds: number,
  append: (id: string) => Promise<unknown>,
): Promise<Record<string, number>> {
  const rates: Record<string, number> = {};
  for (const callers of CALLERS) {
    let done = 0;
    let ended = false;
    const caller = async (n: number): Promise<void> => {
      for (let k = 0; !ended; k++) {
        await append(`${where}-${callers}-${n}-${k}`);
        done++;
      }
    };
    const all = Promise.all(Array.from({ length: callers }, (_, n) => caller(n)));
    await sleep(500);
    const [from, since] = [done, performance.now()];
    await Promise.race([all, sleep(seconds * 1000)]);
    const rate = ((done - from) * 1000) / (performance.now() - since);
    ended = true;
    await all;
    rates[callers] = Math.round(rate);
    say(`${where}, ${callers} callers: ${rate.toFixed(0)} events/s`);
  }
  return rates;
}

/** The whole log, from the declaration of its stream until the relay has carried it. */
async function measureRelay(
  client: EventStoreClient,
  natsPort: number,
): Promise<{ messages: number; perSecond: number }> {
  const nats = await connect({ servers: `127.0.0.1:${natsPort}` });
  const manager = await jetstreamManager(nats);
  const { head } = await client.getLog(LOG);
  const since = performance.now();
  await manager.streams.add({ name: LOG, subjects: [`${LOG}.>`] });
  // The broker is asked, not the checkpoint, which is written with some delay.
  while ((await manager.streams.info(LOG)).state.last_seq < head) await sleep(20);
  const perSecond = Math.round((head * 1000) / (performance.now() - since));
  say(`relay: ${perSecond} messages/s of ${head}`);
  await nats.close();
  return { messages: head, perSecond };
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
