import type { NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { ServerConfig } from './field-mapping';
import { Desired } from './manifest';

const NOT_FOUND: ReadonlySet<number> = new Set([10014, 10059]);
const STREAM_NOT_FOUND = 10059;

const response = z.looseObject({
  error: z
    .looseObject({ code: z.number(), err_code: z.number().optional(), description: z.string() })
    .optional(),
  config: z.record(z.string(), z.unknown()).optional(),
});

/** The server has refused a request of the JetStream API. */
export class JetStreamRefusal extends Error {
  override readonly name = 'JetStreamRefusal';
  constructor(
    readonly subject: string,
    /** JetStream's own error code, for example 10052. */
    readonly code: number,
    description: string,
  ) {
    super(`${subject} was refused: ${description} (${code})`);
  }
}

/**
 * The API by bare requests: the client's `update` lays the fields it is given over those that the server has, so a field
 * that is no longer declared would stay on.
 */
export class JetStreamApi {
  constructor(
    private readonly connection: NatsConnection,
    private readonly timeoutMs: number,
  ) {}

  /** The configuration that the server holds, undefined when there is no such object. */
  async observe({ kind, stream, consumer }: Desired): Promise<ServerConfig | undefined> {
    const subject = kind === 'Stream' ? `STREAM.INFO.${stream}` : `CONSUMER.INFO.${stream}.${consumer}`;
    try {
      return await this.request(subject, undefined);
    } catch (error) {
      if (error instanceof JetStreamRefusal && NOT_FOUND.has(error.code)) {
        if (kind === 'Consumer' && error.code === STREAM_NOT_FOUND) throw new StreamMissing(stream);
        return undefined;
      }
      throw error;
    }
  }

  /** Writes the full configuration; resolves to the one that the server then holds. */
  async write(
    { kind, stream, consumer, config }: Desired,
    action: 'create' | 'update',
  ): Promise<ServerConfig> {
    if (kind === 'Stream') return this.request(`STREAM.${action.toUpperCase()}.${stream}`, config);
    return this.request(`CONSUMER.CREATE.${stream}.${consumer}`, { stream_name: stream, config, action });
  }

  private async request(subject: string, body: unknown): Promise<ServerConfig> {
    const message = await this.connection.request(
      `$JS.API.${subject}`,
      body === undefined ? '' : JSON.stringify(body),
      { timeout: this.timeoutMs },
    );
    const { error, config } = response.parse(message.json());
    if (error) throw new JetStreamRefusal(subject, error.err_code ?? error.code, error.description);
    if (!config) throw new JetStreamRefusal(subject, 0, 'the answer holds no configuration');
    return config;
  }
}

/** A consumer's stream is not there (yet). */
export class StreamMissing extends Error {
  override readonly name = 'StreamMissing';
  constructor(stream: string) {
    super(`its stream ${stream} does not exist`);
  }
}
