import { RecordedEvent } from '@headwater/contracts';
import { CustomTransportStrategy, MessageHandler, Server } from '@nestjs/microservices';
import { NatsConnection } from '@nats-io/transport-node';
import { Registry } from 'prom-client';
import { isObservable, lastValueFrom } from 'rxjs';
import { ConsumerSession } from './consumer-session';
import { DeadLetterSink } from './dead-letter';
import { Delivery } from './delivery';
import { Classify, TerminalError } from './errors';
import { JetStreamContext } from './jetstream-context';
import { ReadLog } from './lost-messages';
import { PullOptions } from './pull-loop';
import { redrivenSession } from './receive-redriven';
import { HandleOriginal } from './redrive';
import { RetryPolicy } from './retry-policy';
import { traced } from './tracing';
import { FollowedStore, WaitingBehind } from './waiting-behind';

/** As much of a logger as is used; pino's shape. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface JetStreamStrategyOptions {
  connection: NatsConnection;
  stream: string;
  /** Durable name of a declared pull consumer; the worker's name in what it writes. */
  consumer: string;
  deadLetters: DeadLetterSink;
  /**
   * Takes what persons send to this worker again, through its consumer of the same name on DEADLETTERS. Without it such
   * messages wait.
   */
  redrive?: RedriveOptions;
  /** Reads what the stream has dropped before it was handled. Without it such a loss leaves the process not ready. */
  readLog?: ReadLog;
  /** The application's word on errors; undefined leaves an error to the rules. */
  classify?: Classify;
  /** Told when messages can be taken and handled, and why not. */
  readiness?: { up(): void; down(reason: string): void };
  metrics?: Registry;
  log: Log;
  /** Handlers at once. */
  concurrency?: number;
  /** Messages held at once. */
  capacity?: number;
  retry?: Partial<RetryPolicy>;
  pull?: Partial<PullOptions>;
  /** How long running handlers may take to end at a shutdown, milliseconds. */
  stopDeadlineMs?: number;
  /** How often the consumer's state is looked at, milliseconds. */
  watchMs?: number;
  gateDelays?: { firstDelayMs: number; maxDelayMs: number };
}

export interface RedriveOptions {
  store: FollowedStore;
  /** Recognises the store's answer that an event with this id and other content is there. */
  isClash: (error: unknown) => boolean;
  /** Told when redriven messages can be taken, and why not. */
  readiness?: { up(): void; down(reason: string): void };
  /**
   * Later events of an aggregate wait behind its dead letter and follow it in order once that is handled or discarded. For
   * workers whose handlers need every event of an aggregate. In one process that is exact; another replica learns of a dead
   * letter within moments.
   */
  parkBehind?: boolean;
}

type Handler = MessageHandler<RecordedEvent, JetStreamContext>;

/**
 * NestJS transport on a declared JetStream consumer. `@EventPattern('ORDERS.created')` gets the events of that type:
 * `@Payload() event: RecordedEvent, @Ctx() context: JetStreamContext`. A message is acked after every handler of its type has resolved.
 * Handlers only throw; what an error means for the message is decided here.
 */
export class JetStreamStrategy extends Server implements CustomTransportStrategy {
  private readonly handlers = new Map<string, Handler[]>();
  private sessions: ConsumerSession[] = [];

  constructor(private readonly options: JetStreamStrategyOptions) {
    super();
  }

  /**
   * Every handler of a pattern is kept here. NestJS chains them through `.next` and joins their results, and that join
   * fails with the first failure while the others still run; here all of them are awaited.
   */
  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    const eventType = this.normalizePattern(pattern as string);
    if (!isEventHandler) {
      throw new Error(`${eventType} has a message handler; JetStream delivers events: use @EventPattern`);
    }
    callback.isEventHandler = true;
    callback.extras = extras;
    const known = this.handlers.get(eventType);
    if (known) known.push(callback);
    else {
      this.handlers.set(eventType, [callback]);
      this.messageHandlers.set(eventType, callback);
    }
  }

  /** Begins to look for the consumer; the process is alive and becomes ready when there is one. */
  listen(callback: () => void): void {
    const handle: HandleOriginal = (delivery, attempt, signal) => this.invoke(delivery, attempt, signal);
    this.sessions = [
      new ConsumerSession(this.options, [...this.handlers.keys()], handle, this.waitingBehind()),
      ...this.redriving(handle),
    ];
    for (const session of this.sessions) session.start();
    callback();
  }

  /** Ends in order: no more pulls, running handlers up to the deadline, everything else given back. */
  async close(): Promise<void> {
    await Promise.all(this.sessions.map((session) => session.stop()));
    this.sessions = [];
  }

  private waitingBehind(): WaitingBehind | undefined {
    const { redrive, consumer, log } = this.options;
    if (!redrive?.parkBehind) return undefined;
    return new WaitingBehind(consumer, redrive.store, (error) =>
      log.warn({ err: error, consumer }, 'the dead letters could not be followed; trying again'),
    );
  }

  /** The second consumer of the worker, for what is sent to it again. */
  private redriving(handle: HandleOriginal): ConsumerSession[] {
    const { redrive, readiness: _own, ...options } = this.options;
    return redrive ? [redrivenSession({ ...options, redrive }, handle)] : [];
  }

  on(event: string): never {
    throw new Error(`the JetStream transport has no event ${event}; its state is in readiness and metrics`);
  }

  unwrap<T>(): T {
    // The caller names the type, as in every NestJS transport.
    return this.options.connection as T;
  }

  private invoke(delivery: Delivery, attempt: number, signal: AbortSignal): Promise<void> {
    const { content } = delivery;
    // Malformed messages are parked before a handler is asked for.
    if ('malformed' in content) return Promise.reject(content.malformed);
    const { event } = content;
    const handlers = this.handlers.get(event.eventType);
    if (!handlers) {
      return Promise.reject(
        new TerminalError(`${this.options.consumer} has no handler for ${event.eventType}`),
      );
    }
    const { stream, consumer } = this.options;
    const context = new JetStreamContext(delivery, consumer, attempt, signal);
    return traced(event, { stream, consumer, attempt: delivery.deliveries }, () =>
      callAll(handlers, event, context),
    );
  }
}

async function callAll(handlers: Handler[], event: RecordedEvent, context: JetStreamContext): Promise<void> {
  const [only] = handlers;
  if (only && handlers.length === 1) return call(only, event, context);
  const results = await Promise.allSettled(handlers.map((handler) => call(handler, event, context)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** `Server.handleEvent` connects a handler's observable and returns, so its failure is never seen; here it is awaited. */
async function call(handler: Handler, event: RecordedEvent, context: JetStreamContext): Promise<void> {
  const result: unknown = await handler(event, context);
  if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
}
