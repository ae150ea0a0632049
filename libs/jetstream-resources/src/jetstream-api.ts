import type { NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { ConsumerInfo, consumerInfo, ServerConfig, StreamInfo, streamInfo } from './jetstream-info';
import { CODE, JetStreamRefusal } from './jetstream-refusal';
import { ServerDefaults } from './server-defaults';

const refusal = z.looseObject({
  error: z
    .looseObject({ code: z.number(), err_code: z.number().optional(), description: z.string().optional() })
    .optional(),
});
const paged = { total: z.number(), offset: z.number() };
const streamPage = z.looseObject({ ...paged, streams: z.array(streamInfo).nullish() });
const consumerPage = z.looseObject({ ...paged, consumers: z.array(consumerInfo).nullish() });
const namesPage = z.looseObject({ ...paged, consumers: z.array(z.string()).nullish() });
const success = z.looseObject({ success: z.boolean().optional() });
const pauseAnswer = z.looseObject({ paused: z.boolean() });
const accountInfo = z.looseObject({ api: z.looseObject({ level: z.number().optional() }).optional() });

export interface JetStreamApiOptions {
  /** Milliseconds to wait for each answer; 5000 when not given. */
  timeoutMs?: number;
  /** JetStream domain, when the server is not of the default one. */
  domain?: string | undefined;
}

/**
 * The JetStream API by bare requests: the client's `update` lays the fields it is given over those that the server has,
 * so a field that is no longer declared would stay on.
 *
 * Every method throws {@link JetStreamRefusal} when the server says no, and the client's own errors when it says nothing.
 */
export class JetStreamApi {
  /** What this server fills in by limits of its own. */
  readonly defaults = new ServerDefaults();
  private readonly prefix: string;
  private readonly timeoutMs: number;

  constructor(
    private readonly connection: NatsConnection,
    { timeoutMs = 5000, domain }: JetStreamApiOptions = {},
  ) {
    this.prefix = domain === undefined || domain === '' ? '$JS.API' : `$JS.${domain}.API`;
    this.timeoutMs = timeoutMs;
  }

  /** Undefined when there is no such stream. */
  streamInfo(name: string): Promise<StreamInfo | undefined> {
    return unlessMissing(this.request(`STREAM.INFO.${name}`, undefined, streamInfo), CODE.streamNotFound);
  }

  /**
   * Undefined when there is no such consumer.
   *
   * @throws JetStreamRefusal 10059 when its stream is missing
   */
  consumerInfo(stream: string, name: string): Promise<ConsumerInfo | undefined> {
    return unlessMissing(
      this.request(`CONSUMER.INFO.${stream}.${name}`, undefined, consumerInfo),
      CODE.consumerNotFound,
    );
  }

  /** All streams of the account, page by page. */
  async *listStreams(): AsyncIterable<StreamInfo> {
    let offset = 0;
    for (;;) {
      const { total, streams } = await this.request('STREAM.LIST', { offset }, streamPage);
      yield* streams ?? [];
      offset += streams?.length ?? 0;
      if (offset >= total || !streams?.length) return;
    }
  }

  /** All consumers of a stream, page by page. */
  async *listConsumers(stream: string): AsyncIterable<ConsumerInfo> {
    let offset = 0;
    for (;;) {
      const page = await this.request(`CONSUMER.LIST.${stream}`, { offset }, consumerPage);
      yield* page.consumers ?? [];
      offset += page.consumers?.length ?? 0;
      if (offset >= page.total || !page.consumers?.length) return;
    }
  }

  /** Names of a stream's consumers; at most the server's first page of 1024. */
  async consumerNames(stream: string): Promise<string[]> {
    return (await this.request(`CONSUMER.NAMES.${stream}`, { offset: 0 }, namesPage)).consumers ?? [];
  }

  /** Writes the full configuration; what is not in it has the server's default. */
  writeStream(name: string, config: ServerConfig, action: 'create' | 'update'): Promise<StreamInfo> {
    return this.request(`STREAM.${action.toUpperCase()}.${name}`, config, streamInfo);
  }

  /** Writes the full configuration; what is not in it has the server's default. */
  writeConsumer(
    stream: string,
    name: string,
    config: ServerConfig,
    action: 'create' | 'update',
  ): Promise<ConsumerInfo> {
    return this.request(
      `CONSUMER.CREATE.${stream}.${name}`,
      { stream_name: stream, config, action },
      consumerInfo,
    );
  }

  /** False when there was none. */
  async deleteStream(name: string): Promise<boolean> {
    const done = this.request(`STREAM.DELETE.${name}`, undefined, success);
    return (await unlessMissing(done, CODE.streamNotFound)) !== undefined;
  }

  /** False when there was none, or no such stream. */
  async deleteConsumer(stream: string, name: string): Promise<boolean> {
    const done = this.request(`CONSUMER.DELETE.${stream}.${name}`, undefined, success);
    return (await unlessMissing(done, CODE.consumerNotFound, CODE.streamNotFound)) !== undefined;
  }

  /** Stops deliveries until a point in time (RFC 3339); undefined lets them go on. An update can't do this. */
  async pauseConsumer(stream: string, name: string, until: string | undefined): Promise<boolean> {
    const body = until === undefined ? {} : { pause_until: until };
    return (await this.request(`CONSUMER.PAUSE.${stream}.${name}`, body, pauseAnswer)).paused;
  }

  /** Goes on from a stream sequence, as if all before it were acknowledged. Servers since 2.14. */
  resetConsumer(stream: string, name: string, sequence: number): Promise<ConsumerInfo> {
    return this.request(`CONSUMER.RESET.${stream}.${name}`, { seq: sequence }, consumerInfo);
  }

  /** Version of the server that the connection is to, `2.15.2`; others of its cluster may differ. */
  serverVersion(): string {
    return this.connection.info?.version ?? 'unknown';
  }

  /** Level of the JetStream API that the answering server has: 1 is 2.11, 2 is 2.12, 4 is 2.14, 5 is 2.15. */
  async apiLevel(): Promise<number> {
    return (await this.request('INFO', undefined, accountInfo)).api?.level ?? 0;
  }

  private async request<T>(subject: string, body: unknown, decoder: z.ZodType<T>): Promise<T> {
    const message = await this.connection.request(
      `${this.prefix}.${subject}`,
      body === undefined ? '' : JSON.stringify(body),
      { timeout: this.timeoutMs },
    );
    const answer: unknown = message.json();
    const { error } = refusal.parse(answer);
    if (error) throw new JetStreamRefusal(subject, error.err_code ?? error.code, error.description ?? '');
    return decoder.parse(answer);
  }
}

async function unlessMissing<T>(answer: Promise<T>, ...codes: number[]): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof JetStreamRefusal && codes.includes(error.code)) return undefined;
    throw error;
  }
}
