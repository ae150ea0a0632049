import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { KEPT_CONNECTION, messageOf } from '@headwater/platform';

/** What is wrong with a connection, by what mends it. */
export type LinkFault = 'Unreachable' | 'AuthenticationFailed' | 'TLSFailed';

export type LinkState =
  | { readonly status: 'connecting'; readonly fault: LinkFault; readonly message: string }
  | { readonly status: 'connected'; readonly connection: NatsConnection };

/** Milliseconds between attempts: the first, and the most. */
const FIRST_RETRY_MS = 250;
const MOST_RETRY_MS = 30_000;

/**
 * One connection to NATS that is made in the background, kept for ever and tells when it comes and goes. Nobody waits
 * for it: whoever finds it `connecting` is woken by `onChange`, so an outage holds up nothing else.
 */
export class NatsLink {
  private current: LinkState = {
    status: 'connecting',
    fault: 'Unreachable',
    message: 'has not been reached yet',
  };
  private connection: NatsConnection | undefined;
  private closed = false;
  private retry: { timer: NodeJS.Timeout; now: () => void } | undefined;

  /** @param onChange is told after every change of state, never before the constructor has returned */
  constructor(
    private readonly options: ConnectionOptions,
    private readonly onChange: () => void,
  ) {
    void this.run();
  }

  get state(): LinkState {
    return this.current;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.retry?.now();
    await this.connection?.close();
  }

  private async run(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!this.closed) {
      try {
        const connection = await connect({ ...this.options, ...KEPT_CONNECTION });
        this.connection = connection;
        // The attempt may have outlived this link.
        if (this.closed as boolean) return void (await connection.close());
        retryMs = FIRST_RETRY_MS;
        this.enter({ status: 'connected', connection });
        await this.follow(connection);
      } catch (error) {
        this.enter(faultOf(error));
      }
      if (!this.closed) await this.wait(retryMs * (0.5 + Math.random() / 2));
      retryMs = Math.min(retryMs * 2, MOST_RETRY_MS);
    }
  }

  /** Resolves when the connection is closed for good. */
  private async follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      switch (status.type) {
        case 'reconnect':
          this.enter({ status: 'connected', connection });
          break;
        case 'disconnect':
        case 'staleConnection':
        case 'close':
          if (!this.closed)
            this.enter({ status: 'connecting', fault: 'Unreachable', message: 'the connection is lost' });
          break;
        case 'error':
          // While connected these are refusals of single subjects, which their callers are told of.
          if (this.current.status === 'connecting') this.enter(faultOf(status.error));
          break;
        case 'ldm':
        case 'ping':
        case 'reconnecting':
        case 'forceReconnect':
        case 'slowConsumer':
        case 'update':
          break;
      }
    }
    const failure = await connection.closed();
    if (!this.closed) this.enter(faultOf(failure ?? new Error('the connection was closed')));
  }

  private enter(state: LinkState): void {
    if (this.closed) return;
    this.current = state;
    this.onChange();
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const now = (): void => {
        clearTimeout(this.retry?.timer);
        this.retry = undefined;
        resolve();
      };
      this.retry = { timer: setTimeout(now, ms), now };
    });
  }
}

const AUTHENTICATION = /authorization|authentication|permissions violation|nkey|credentials/i;
const TLS = /certificate|tls|ssl/i;

function faultOf(error: unknown): LinkState {
  const message = [messageOf(error), causeOf(error)].filter(Boolean).join(': ');
  const fault = AUTHENTICATION.test(message)
    ? 'AuthenticationFailed'
    : TLS.test(message)
      ? 'TLSFailed'
      : 'Unreachable';
  return { status: 'connecting', fault, message };
}

const causeOf = (error: unknown): string =>
  error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
