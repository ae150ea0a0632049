import { jetstreamManager, JetStreamManager } from '@nats-io/jetstream';
import { connect, ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import { HEADERS } from '@headwater/contracts';
import { EVENTSTORE_MIGRATIONS, readEventIds } from '@headwater/eventstore';
import { keepApplied, Manifest, readManifests } from '@headwater/jetstream-resources';
import { createPool, migrateDatabase } from '@headwater/sql';
import { Relay, RelayOptions, startRelay } from '../src/relay/relay';
import { RelayState } from '../src/relay/relay-state';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A log in a real database, its declared stream on a real server, and relays between them; for tests. */
export class RelayScenario {
  readonly log = 'ORDERS';
  /** Every state that any of its relays has told. */
  readonly states: RelayState[] = [];
  private readonly relays: Relay[] = [];
  private readonly stopping = new AbortController();
  private stealing: NodeJS.Timeout | undefined;
  private kept: Promise<void> | undefined;

  private constructor(
    private readonly databaseUrl: string,
    readonly pool: Pool,
    readonly nats: NatsConnection,
    readonly manager: JetStreamManager,
    readonly manifests: Manifest[],
  ) {}

  static async start(
    databaseUrl: string,
    server: string | string[],
    options: { connection?: ConnectionOptions; replicas?: number } = {},
  ): Promise<RelayScenario> {
    await migrateDatabase(databaseUrl, EVENTSTORE_MIGRATIONS);
    const pool = createPool({ url: databaseUrl, applicationName: 'relay-test', statementTimeoutMs: 3000 });
    const nats = await connect({
      servers: server,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      ...options.connection,
    });
    const declared = await readManifests([join(__dirname, '../../../k8s/jetstream/streams.yaml')]);
    const manifests = declared.flatMap((manifest): Manifest[] =>
      manifest.kind === 'Stream' && manifest.spec.name === 'ORDERS'
        ? [{ ...manifest, spec: { ...manifest.spec, replicas: options.replicas ?? 1 } }]
        : [],
    );
    const manager = await jetstreamManager(nats, { checkAPI: false });
    const scenario = new RelayScenario(databaseUrl, pool, nats, manager, manifests);
    await pool.query('INSERT INTO logs (name) VALUES ($1) ON CONFLICT (name) DO NOTHING', [scenario.log]);
    return scenario;
  }

  /** Keeps the declared stream applied until the end, as it is on a real machine. */
  declare(): void {
    this.kept ??= keepApplied(this.nats, this.manifests, { signal: this.stopping.signal });
  }

  relay(options: Partial<RelayOptions> = {}): Relay {
    const relay = startRelay({
      pool: this.pool,
      log: this.log,
      partitions: 64,
      nats: this.nats,
      logger: silent,
      onState: (state) => this.states.push(state),
      leaseMs: 600,
      ...options,
    });
    this.relays.push(relay);
    return relay;
  }

  /**
   * Commits so many further events, three to an order, with ids of their own in each life of the log. Over a connection
   * of its own: one of the pool may be that of a server which has been killed meanwhile.
   */
  async append(count: number, life = 'first'): Promise<void> {
    const writer = new Client({ connectionString: this.databaseUrl });
    await writer.connect();
    await writer.query(
      `WITH counter AS (UPDATE logs SET head = head + $2 WHERE name = $1 RETURNING head),
            batch AS (SELECT p, 'order-' || (p - 1) / 3 AS id, (p - 1) % 3 + 1 AS version
                        FROM counter, generate_series(head - $2 + 1, head) AS p),
            heads AS (INSERT INTO aggregates (log, aggregate_id, aggregate_type, version)
                      SELECT $1, id, 'order', max(version) FROM batch GROUP BY id
                      ON CONFLICT (log, aggregate_id) DO UPDATE SET version = excluded.version)
       INSERT INTO events (log, position, event_id, event_type, aggregate_id, aggregate_type, version, data, metadata,
                           digest, recorded_at)
       SELECT $1, p, $3 || '-' || p, 'ORDERS.created', id, 'order', version, data,
              '{"correlationId":"c-' || id || '"}',
              encode(sha256(convert_to($1, 'UTF8') || nul || convert_to('ORDERS.created', 'UTF8') || nul ||
                            convert_to(id, 'UTF8') || nul || convert_to('order', 'UTF8') || nul ||
                            convert_to(data, 'UTF8')), 'hex'), now()
         FROM batch,
              LATERAL (SELECT '{"order_id":"' || id || '","note":"' || repeat('x', 300) || '"}',
                              decode('00', 'hex')) AS body (data, nul)`,
      [this.log, count, life],
    );
    await writer.end();
  }

  /** The database as it was when it held so many events, as from an older backup. */
  async restore(head: number): Promise<void> {
    await this.pool.query('DELETE FROM events WHERE position > $1', [head]);
    await this.pool.query('DELETE FROM aggregates');
    await this.pool.query(
      `INSERT INTO aggregates (log, aggregate_id, aggregate_type, version)
       SELECT log, aggregate_id, aggregate_type, max(version) FROM events GROUP BY 1, 2, 3`,
    );
    await this.pool.query('UPDATE logs SET head = $1', [head]);
    await this.pool.query('UPDATE relays SET relayed = $1', [head]);
  }

  /** Throws unless the stream holds exactly the log: position = sequence, and the same id everywhere. */
  async expectEqual(): Promise<void> {
    const { rows } = await this.pool.query<{ head: number }>('SELECT head FROM logs WHERE name = $1', [
      this.log,
    ]);
    const head = rows[0]?.head ?? 0;
    const { state } = await this.manager.streams.info(this.log);
    if (state.last_seq !== head || state.messages !== head)
      throw new Error(`the stream has ${state.messages} messages up to ${state.last_seq}, the log ${head}`);
    const ids = await readEventIds(this.pool, this.log, 1, head);
    const found = await this.idsInStream(1, head);
    const wrong = ids.findIndex((id, index) => id !== found[index]);
    if (wrong >= 0) throw new Error(`sequence ${wrong + 1} holds ${found[wrong]} instead of ${ids[wrong]}`);
  }

  /** `ce-id` of the messages of a range of sequences. */
  async idsInStream(from: number, to: number): Promise<string[]> {
    const ids: string[] = [];
    for (let start = from; start <= to; start += 64) {
      const sequences = Array.from({ length: Math.min(64, to - start + 1) }, (_, index) => start + index);
      const messages = await Promise.all(
        sequences.map((seq) => this.manager.streams.getMessage(this.log, { seq })),
      );
      for (const message of messages) ids.push(message?.header.get(HEADERS.id) ?? 'nothing');
    }
    return ids;
  }

  /** Takes the lease away every so often, in milliseconds, with what else is to be set, until told otherwise or the end. */
  steal(everyMs: number, also = ''): void {
    const sql = `UPDATE relays SET holder = 'nobody', until = now()${also}`;
    this.stealing = setInterval(() => void this.pool.query(sql), everyMs);
  }

  stopStealing(): void {
    clearInterval(this.stealing);
  }

  /** Stops, and leaves no stream to those who use the server next. */
  async end(): Promise<void> {
    await this.quiet();
    await this.manager.streams.delete(this.log).catch(() => undefined);
    await this.close();
  }

  async stop(): Promise<void> {
    await this.quiet();
    await this.close();
  }

  private async quiet(): Promise<void> {
    this.stopStealing();
    this.stopping.abort();
    await Promise.all(this.relays.map((relay) => relay.stop()));
    await this.kept;
  }

  private async close(): Promise<void> {
    await this.nats.close();
    await this.pool.end();
  }
}
