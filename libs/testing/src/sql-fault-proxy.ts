import { AddressInfo, createConnection, createServer, Server, Socket } from 'node:net';
import { forbiddenConstruct } from './sql-forbidden';
import { MessageReader, WireMessage } from './sql-wire';

/**
 * What happens to one exchange (a simple query, or everything up to a Sync).
 *
 * - `error`: the server never sees it, the client gets this SQLSTATE; a COMMIT is turned into a ROLLBACK.
 * - `error-after`: the server runs it, the client gets this SQLSTATE instead of the result.
 * - `cut-before`, `cut-after`: the connection is lost before the server sees it, or after it has run it.
 * - `delay`: it is forwarded so many milliseconds later.
 * - `black-hole`: neither side hears of the other again, but the connections stay open.
 */
export type SqlFault =
  | { kind: 'error'; sqlState: string }
  | { kind: 'error-after'; sqlState: string }
  | { kind: 'cut-before' }
  | { kind: 'cut-after' }
  | { kind: 'delay'; ms: number }
  | { kind: 'black-hole' };

export interface SqlExchange {
  /** The statements' texts, joined by `; `. */
  sql: string;
  /** From 1, over all connections. */
  number: number;
}

export interface SqlFaultProxy {
  /** The database's address through the proxy. */
  url: string;
  /** Asked for every exchange; undefined lets it pass. */
  inject: ((exchange: SqlExchange) => SqlFault | undefined) | undefined;
  /** Statements refused because CockroachDB lacks what they use. A test ends by looking at this. */
  readonly refused: string[];
  readonly exchanges: number;
  /** Ends every connection; new ones are taken. */
  cutAll(): void;
  close(): Promise<void>;
}

/** A proxy that speaks PostgreSQL's wire protocol, breaks exchanges on demand, and refuses what CockroachDB lacks. */
export async function startSqlFaultProxy(databaseUrl: string): Promise<SqlFaultProxy> {
  const target = new URL(databaseUrl);
  const sessions = new Set<Session>();
  const state = { exchanges: 0, refused: new Array<string>() };
  const server: Server = createServer((client) => {
    const upstream = createConnection(Number(target.port), target.hostname);
    const session = new Session(client, upstream, (sql, inTransaction) => {
      state.exchanges++;
      const construct = forbiddenConstruct(sql, inTransaction);
      if (construct !== undefined) {
        state.refused.push(`${construct}: ${sql}`);
        return { kind: 'error', sqlState: '0A000' };
      }
      return proxy.inject?.({ sql, number: state.exchanges });
    });
    sessions.add(session);
    session.onEnd = () => sessions.delete(session);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const cutAll = (): void => {
    for (const session of sessions) session.cut();
  };
  const proxy: SqlFaultProxy = {
    url: url.toString(),
    inject: undefined,
    refused: state.refused,
    get exchanges() {
      return state.exchanges;
    },
    cutAll,
    close: async () => {
      cutAll();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}

/** What becomes of the server's answer to the exchange under way. */
type Answer = 'forward' | 'swallow-then-cut' | { error: string };

/** One client's connection. The client waits for ReadyForQuery before it sends on, so exchanges never overlap. */
class Session {
  onEnd: () => void = () => undefined;
  private readonly statements = new Map<string, string>();
  private readonly fromClient: MessageReader;
  private readonly fromServer = new MessageReader(false);
  private exchange: WireMessage[] = [];
  private answer: Answer = 'forward';
  private inTransaction = false;
  private deaf = false;

  constructor(
    private readonly client: Socket,
    private readonly upstream: Socket,
    private readonly judge: (sql: string, inTransaction: boolean) => SqlFault | undefined,
  ) {
    this.fromClient = new MessageReader(true);
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    client.on('data', (chunk) => this.clientSent(chunk));
    upstream.on('data', (chunk) => this.serverSent(chunk));
    for (const socket of [client, upstream]) {
      socket.on('error', () => this.cut());
      socket.on('close', () => this.cut());
    }
  }

  cut(): void {
    this.client.destroy();
    this.upstream.destroy();
    this.onEnd();
  }

  private clientSent(chunk: Buffer): void {
    if (this.deaf) return;
    for (const message of this.fromClient.read(chunk)) {
      if (message.type === undefined || message.type === 'p' || message.type === 'X') {
        this.upstream.write(message.bytes);
        continue;
      }
      this.exchange.push(message);
      if (message.type === 'S' || message.type === 'Q') this.exchangeComplete();
    }
  }

  private exchangeComplete(): void {
    const messages = this.exchange;
    this.exchange = [];
    const sql = this.textsOf(messages).join('; ');
    const fault = this.judge(sql, this.inTransaction);
    const bytes = Buffer.concat(messages.map((message) => message.bytes));
    this.answer = 'forward';
    switch (fault?.kind) {
      case undefined:
        this.upstream.write(bytes);
        return;
      case 'delay':
        setTimeout(() => this.upstream.write(bytes), fault.ms);
        return;
      case 'error':
        return this.refuse(sql, fault.sqlState);
      case 'error-after':
        this.answer = { error: fault.sqlState };
        this.upstream.write(bytes);
        return;
      case 'cut-before':
        return this.cut();
      case 'cut-after':
        this.answer = 'swallow-then-cut';
        this.upstream.write(bytes);
        return;
      case 'black-hole':
        this.deaf = true;
        return;
    }
  }

  private refuse(sql: string, sqlState: string): void {
    if (/\bCOMMIT\b/.test(sql)) {
      // A failed COMMIT leaves no transaction behind.
      this.answer = { error: sqlState };
      this.upstream.write(simpleQuery('ROLLBACK'));
      return;
    }
    this.client.write(
      Buffer.concat([errorResponse(sqlState), readyForQuery(this.inTransaction ? 'E' : 'I')]),
    );
  }

  private serverSent(chunk: Buffer): void {
    if (this.deaf) return;
    const forward: Buffer[] = [];
    for (const message of this.fromServer.read(chunk)) {
      const ready = message.type === 'Z';
      if (ready) this.inTransaction = message.bytes[5] !== 'I'.charCodeAt(0);
      if (this.answer === 'forward') forward.push(message.bytes);
      else if (ready && this.answer === 'swallow-then-cut') return this.cut();
      else if (ready && typeof this.answer === 'object') {
        forward.push(errorResponse(this.answer.error), message.bytes);
        this.answer = 'forward';
      }
    }
    if (forward.length > 0) this.client.write(Buffer.concat(forward));
  }

  /** Statements of an exchange; those prepared before are known by their names. */
  private textsOf(messages: readonly WireMessage[]): string[] {
    const texts: string[] = [];
    for (const { type, bytes } of messages) {
      const strings = bytes.subarray(5).toString('utf8').split('\0');
      if (type === 'Q') texts.push(strings[0] ?? '');
      if (type === 'P') this.statements.set(strings[0] ?? '', strings[1] ?? '');
      if (type === 'B') texts.push(this.statements.get(strings[1] ?? '') ?? '');
    }
    return texts;
  }
}

function errorResponse(sqlState: string): Buffer {
  const fields = `SERROR\0VERROR\0C${sqlState}\0Minjected by the fault proxy\0\0`;
  return framed('E', Buffer.from(fields));
}

const readyForQuery = (status: 'I' | 'E'): Buffer => framed('Z', Buffer.from(status));
const simpleQuery = (sql: string): Buffer => framed('Q', Buffer.from(`${sql}\0`));

function framed(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
