import {
  ChannelOptions,
  Client,
  ClientReadableStream,
  credentials,
  MethodDefinition,
  ServiceError,
} from '@grpc/grpc-js';
import { AggregateAppend, AppendResult, RecordedEvent } from '@headwater/contracts';
import { eventStoreV1, ReadLogRequest, ReadLogResponse } from '@headwater/eventstore-api';
import { AppendStream } from './append-stream';
import { errorOfCall, EventStoreUnavailable, isServiceError } from './errors';
import { recordedOf, requestOf } from './wire';

export interface EventStoreClientOptions {
  /** `host:port`, or any address that gRPC resolves. Of several servers each takes its share of calls and connections. */
  address: string;
  /** Certificate authority of the servers (PEM). Without it nothing is encrypted. */
  ca?: string | undefined;
  /** Connections; the first is the appends', the others take turns with reads. */
  channels?: number;
  /** How long an append is tried. */
  appendDeadlineMs?: number;
  log?: (level: 'info' | 'warn', message: string) => void;
}

export interface LogState {
  head: number;
  relayed: number;
  oldestUnrelayedSeconds: number;
  /** Why appends are refused. */
  refused?: string;
  /** Why the relay stands still. */
  relayHalted?: string;
}

export interface LogPage {
  /** May be empty: a heartbeat. */
  events: RecordedEvent[];
  /** Everything up to here has been looked at. */
  position: number;
  /** The log's end has been reached. */
  caughtUp: boolean;
}

const CHANNEL: ChannelOptions = {
  // Calls take turns with all addresses of the name. By default a channel stays with the first that answers, so that of
  // several servers one would have all the work.
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  'grpc.service_config_disable_resolution': 1,
  // When a server has gone, its successor's address is asked for at once, and not after the default of half a minute.
  'grpc.dns_min_time_between_resolutions_ms': 1_000,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
  'grpc.max_send_message_length': 16 * 1024 * 1024,
};
/** A read that says nothing for so long is given up; a following one gets heartbeats. */
const SILENCE_MS = 30_000;
const UNARY_MS = 10_000;

/** The event store as its users see it. One per process: it keeps its connections and brings them back by itself. */
export class EventStoreClient {
  private readonly clients: Client[];
  private readonly appends: AppendStream;
  private readonly listeners = new Set<(up: boolean) => void>();
  private readonly open = new Set<ClientReadableStream<unknown>>();
  private turn = 0;

  constructor(private readonly options: EventStoreClientOptions) {
    const channels = Math.max(1, options.channels ?? 4);
    const { address, ca } = options;
    const channelCredentials =
      ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca));
    this.clients = Array.from({ length: channels }, () => new Client(address, channelCredentials, CHANNEL));
    this.appends = new AppendStream(this.client(0), (up, reason) => {
      options.log?.(
        up ? 'info' : 'warn',
        up
          ? `connected to the event store at ${options.address}`
          : `no connection to the event store at ${options.address}: ${reason}`,
      );
      for (const listener of this.listeners) listener(up);
    });
  }

  /**
   * Stores events of one or more aggregates, all or none. Idempotent by event id, and so tried again by itself when an
   * answer got lost.
   *
   * @throws VersionConflict, EventIdClash, InvalidAppend, UnknownLog, LogRefused, Overloaded
   * @throws EventStoreUnavailable after the deadline; the append may have happened
   */
  async append(
    log: string,
    aggregates: AggregateAppend[],
    options: { signal?: AbortSignal; deadlineMs?: number } = {},
  ): Promise<AppendResult> {
    const deadlineMs = options.deadlineMs ?? this.options.appendDeadlineMs ?? 10_000;
    return this.appends.append(requestOf(log, aggregates), deadlineMs, options.signal);
  }

  /** An aggregate's history, oldest first; empty when there is none. */
  async readAggregate(
    log: string,
    aggregateId: string,
    options: { fromVersion?: number; limit?: number; signal?: AbortSignal } = {},
  ): Promise<RecordedEvent[]> {
    const request = {
      log,
      aggregateId,
      fromVersion: options.fromVersion ?? 0,
      backwards: false,
      limit: options.limit ?? 0,
    };
    const events: RecordedEvent[] = [];
    for await (const page of this.stream(eventStoreV1.ReadAggregate, request, options.signal))
      for (const event of page.events) events.push(recordedOf(event));
    return events;
  }

  /** The events with a position after `after`, up to the log's end at the time of the call. */
  async *readLog(
    log: string,
    options: { after: number; eventTypes?: string[]; limit?: number; signal?: AbortSignal },
  ): AsyncIterable<RecordedEvent[]> {
    for await (const page of this.pages(log, { ...options, follow: false }))
      if (page.events.length > 0) yield page.events;
  }

  /**
   * The log from `after` on; ends when the signal is aborted.
   *
   * @throws EventStoreUnavailable when the stream is lost: go on from the last page's `position`
   */
  async *followLog(
    log: string,
    options: { after: number; eventTypes?: string[]; signal: AbortSignal },
  ): AsyncIterable<LogPage> {
    try {
      yield* this.pages(log, { ...options, follow: true });
    } catch (error) {
      if (options.signal.aborted) return;
      throw error;
    }
    throw new EventStoreUnavailable(`the event store ended the reading of ${log}`);
  }

  async getLog(log: string): Promise<LogState> {
    const { refused, relayHalted, head, relayed, oldestUnrelayedSeconds } = await this.unary(
      eventStoreV1.GetLog,
      { log },
    );
    return {
      head,
      relayed,
      oldestUnrelayedSeconds,
      ...(refused === '' ? {} : { refused }),
      ...(relayHalted === '' ? {} : { relayHalted }),
    };
  }

  /** Resolves when the event store answers. */
  ready(): Promise<void> {
    return new Promise((resolve) => {
      const remove = this.onState((up) => {
        if (!up) return;
        queueMicrotask(() => remove());
        resolve();
      });
    });
  }

  /** Told at once, and whenever the event store comes or goes. Returns how to stop that. */
  onState(listener: (up: boolean) => void): () => void {
    this.listeners.add(listener);
    this.appends.open();
    listener(this.appends.up);
    return () => this.listeners.delete(listener);
  }

  /** Waits for appends under way, and ends every read. */
  async close(): Promise<void> {
    await this.appends.close();
    for (const call of this.open) call.cancel();
    for (const client of this.clients) client.close();
  }

  private async *pages(
    log: string,
    options: { after: number; eventTypes?: string[]; limit?: number; signal?: AbortSignal; follow: boolean },
  ): AsyncIterable<LogPage> {
    const request: ReadLogRequest = {
      log,
      afterPosition: options.after,
      eventTypes: options.eventTypes ?? [],
      limit: options.limit ?? 0,
      follow: options.follow,
    };
    for await (const page of this.stream(eventStoreV1.ReadLog, request, options.signal)) yield pageOf(page);
  }

  private client(index: number): Client {
    const client = this.clients[index % this.clients.length];
    if (!client) throw new Error('a client has at least one channel');
    return client;
  }

  /** Reads leave the appends' connection alone when there are others. */
  private readClient(): Client {
    const others = this.clients.length - 1;
    return this.client(others === 0 ? 0 : 1 + (this.turn++ % others));
  }

  private unary<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + UNARY_MS;
      this.readClient().makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        { deadline },
        (error, response) => {
          if (error) reject(errorOfCall(error));
          else if (response === undefined) reject(new EventStoreUnavailable(`${method.path} gave no answer`));
          else resolve(response);
        },
      );
    });
  }

  /** A server stream's messages; HTTP/2 flow control holds the server back while the reader is busy. */
  private async *stream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    signal: AbortSignal | undefined,
  ): AsyncIterable<Response> {
    signal?.throwIfAborted();
    const call = this.readClient().makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
    );
    this.open.add(call);
    const cancel = (): void => call.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    const messages: AsyncIterator<Response> = call[Symbol.asyncIterator]();
    try {
      for (;;) {
        const silence = setTimeout(cancel, SILENCE_MS);
        const next = await messages.next().finally(() => clearTimeout(silence));
        if (next.done) return;
        yield next.value;
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw isServiceError(error) ? errorOfCall(error satisfies ServiceError) : error;
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.open.delete(call);
      // Without a listener the cancellation would surface as an uncaught error.
      call.on('error', () => undefined);
      call.cancel();
    }
  }
}

const pageOf = ({ events, position, caughtUp }: ReadLogResponse): LogPage => ({
  events: events.map(recordedOf),
  position,
  caughtUp,
});
