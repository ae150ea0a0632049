import {
  EventMetadata,
  headersOf,
  ParkedDeadLetter,
  type RecordedEvent,
  subjectOf,
} from '@headwater/contracts';
import { startTestNats, TestNats, TestNatsOptions } from '@headwater/testing';
import { AckPolicy, ConsumerConfig, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, ConnectionOptions, headers, NatsConnection } from '@nats-io/transport-node';
import { Controller, INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { Registry } from 'prom-client';
import {
  DeadLetterSink,
  JetStreamContext,
  JetStreamStrategy,
  JetStreamStrategyOptions,
  keepErrors,
} from '../src/index';

export const STREAM = 'ORDERS';
export const CONSUMER = 'payment-worker';

/** A nats-server with one stream and one consumer, as declarations would have made them. */
export class Broker {
  private readonly open: NatsConnection[] = [];
  private published = 0;

  private constructor(
    readonly server: TestNats,
    private readonly admin: ConnectionOptions,
  ) {}

  static async start(options: TestNatsOptions = {}, admin: ConnectionOptions = {}): Promise<Broker> {
    return new Broker(await startTestNats(options), admin);
  }

  async connect(options: ConnectionOptions = this.admin): Promise<NatsConnection> {
    const connection = await connect({
      servers: this.server.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      waitOnFirstConnect: true,
      ...options,
    });
    this.open.push(connection);
    return connection;
  }

  async declareStream(config: { max_msgs?: number } = {}): Promise<void> {
    const manager = await jetstreamManager(await this.connect());
    await manager.streams.add({ name: STREAM, subjects: [`${STREAM}.>`], ...config });
  }

  async declareConsumer(config: Partial<ConsumerConfig> = {}): Promise<void> {
    const manager = await jetstreamManager(await this.connect());
    await manager.consumers.add(STREAM, {
      durable_name: CONSUMER,
      ack_policy: AckPolicy.Explicit,
      ack_wait: 30e9,
      max_deliver: -1,
      max_ack_pending: 10_000,
      ...config,
    });
  }

  async deleteConsumer(): Promise<void> {
    const manager = await jetstreamManager(await this.connect());
    await manager.consumers.delete(STREAM, CONSUMER);
  }

  /** Messages that the consumer has neither acked nor terminated. */
  async unsettled(): Promise<number> {
    const manager = await jetstreamManager(await this.connect());
    const info = await manager.consumers.info(STREAM, CONSUMER);
    return info.num_pending + info.num_ack_pending;
  }

  /** Publishes events as the relay does; each aggregate's versions run on. */
  async publish(
    aggregateIds: string[],
    eventType = 'ORDERS.created',
    metadata: EventMetadata = {},
  ): Promise<RecordedEvent[]> {
    const connection = await this.connect();
    const client = jetstream(connection);
    const events = aggregateIds.map((aggregateId) =>
      recordedEvent({ aggregateId, eventType, metadata, position: ++this.published }),
    );
    for (let from = 0; from < events.length; from += 500) {
      await Promise.all(
        events.slice(from, from + 500).map((event) => {
          const sent = headers();
          for (const [name, value] of headersOf(event)) sent.set(name, value);
          return client.publish(subjectOf(event.eventType, event.aggregateId), event.data, { headers: sent });
        }),
      );
    }
    await connection.close();
    return events;
  }

  async publishRaw(subject: string, body: string): Promise<void> {
    const connection = await this.connect();
    await jetstream(connection).publish(subject, body);
    this.published++;
  }

  async stop(): Promise<void> {
    await Promise.all(this.open.map((connection) => connection.close()));
    await this.server.stop();
  }
}

export function recordedEvent(of: Partial<RecordedEvent>): RecordedEvent {
  const position = of.position ?? 1;
  return {
    log: STREAM,
    position,
    eventId: `event-${position}`,
    eventType: 'ORDERS.created',
    aggregateId: `order-${position}`,
    aggregateType: 'order',
    version: 1,
    data: '{}',
    metadata: {},
    recordedAt: new Date().toISOString(),
    ...of,
  };
}

export type Handle = (event: RecordedEvent, context: JetStreamContext) => unknown;

/** A worker's whole NestJS application, with handlers given by the test. */
export class Worker {
  readonly parked: ParkedDeadLetter[] = [];
  readonly states: string[] = [];
  readonly errors: string[] = [];
  readonly metrics = new Registry();
  private app: INestMicroservice | undefined;

  get state(): string | undefined {
    return this.states.at(-1);
  }

  static async start(
    connection: NatsConnection,
    handlers: Handle | Handle[],
    options: Partial<JetStreamStrategyOptions> & { withoutFilter?: boolean } = {},
  ): Promise<Worker> {
    const worker = new Worker();
    const deadLetters: DeadLetterSink = {
      park: (parked) => {
        worker.parked.push(parked);
        return Promise.resolve();
      },
      has: () => Promise.resolve(worker.parked.length > 0),
    };
    const controllers = [handlers].flat().map((handle) => {
      @Controller()
      class Handlers {
        @EventPattern('ORDERS.created')
        created(@Payload() event: RecordedEvent, @Ctx() context: JetStreamContext): unknown {
          return handle(event, context);
        }
      }
      return Handlers;
    });
    @Module({ controllers, providers: options.withoutFilter ? [] : [keepErrors] })
    class App {}
    const strategy = new JetStreamStrategy({
      connection,
      stream: STREAM,
      consumer: CONSUMER,
      deadLetters,
      metrics: worker.metrics,
      readiness: {
        up: () => worker.states.push('up'),
        down: (reason) => worker.states.push(reason),
      },
      log: {
        info: () => undefined,
        warn: () => undefined,
        error: (_fields, message) => worker.errors.push(message),
      },
      gateDelays: { firstDelayMs: 20, maxDelayMs: 50 },
      watchMs: 200,
      ...options,
      retry: { firstDelayMs: 5, maxDelayMs: 20, ...options.retry },
      pull: { heartbeatMs: 500, expiresMs: 5_000, ...options.pull },
    });
    worker.app = await NestFactory.createMicroservice(App, { strategy, logger: false });
    await worker.app.listen();
    return worker;
  }

  async stop(): Promise<void> {
    await this.app?.close();
    this.app = undefined;
  }
}
