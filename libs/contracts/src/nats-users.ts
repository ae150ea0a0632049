import { CONSUMERS, jetStream, LOGS, relayWakeSubject, streamSubject } from './subjects';

/** What one NATS user may publish and subscribe to; subjects as in nats-server's `permissions`. */
export interface NatsPermissions {
  publish: string[];
  subscribe: string[];
  /** May answer the requests it receives. */
  allowResponses?: boolean;
}

const everyLog = Object.values(LOGS);

/** Each user has an inbox prefix of its own, so that no process reads another's answers. */
const inbox = (user: string): string => `_INBOX_${user}.>`;

/** A worker binds to declared consumers, pulls, acks, and reads its stream's state; it publishes no event. */
function worker(user: string, consumers: [stream: string, consumer: string][]): NatsPermissions {
  return {
    publish: [
      jetStream.info,
      ...consumers.flatMap(([stream, consumer]) => [
        jetStream.streamInfo(stream),
        jetStream.consumerInfo(stream, consumer),
        jetStream.next(stream, consumer),
        jetStream.ack(stream, consumer),
        jetStream.ackV2(stream, consumer),
      ]),
    ],
    subscribe: [
      inbox(user),
      ...consumers.flatMap(([stream, consumer]) => [
        jetStream.terminated(stream, consumer),
        jetStream.maxDeliveries(stream, consumer),
      ]),
    ],
  };
}

/**
 * One NATS user per process with the least it needs. Local configuration and charts are rendered from this table.
 * Only the event store, which relays, may publish to the streams' subjects.
 */
export const NATS_USERS = {
  eventstore: {
    publish: [
      jetStream.info,
      ...everyLog.flatMap((log) => [
        streamSubject(log),
        jetStream.streamInfo(log),
        jetStream.messageGet(log),
        jetStream.directGet(log),
        jetStream.directGetLast(log),
        `$JS.API.CONSUMER.LIST.${log}`,
        `$JS.API.CONSUMER.NAMES.${log}`,
        relayWakeSubject(log),
      ]),
    ],
    subscribe: [
      inbox('eventstore'),
      ...everyLog.flatMap((log) => [relayWakeSubject(log), jetStream.streamAdvisories(log)]),
    ],
  },
  payment: worker('payment', [
    [LOGS.orders, CONSUMERS.payment],
    [LOGS.deadLetters, CONSUMERS.payment],
  ]),
  review: worker('review', [
    [LOGS.orders, CONSUMERS.review],
    [LOGS.deadLetters, CONSUMERS.review],
  ]),
  projection: worker('projection', [[LOGS.orders, CONSUMERS.projection]]),
  coordinator: worker('coordinator', [
    [LOGS.orders, CONSUMERS.coordinator],
    [LOGS.deadLetters, CONSUMERS.coordinator],
  ]),
  /** Applies stream and consumer declarations: the controller, or the CLI where there is no cluster. */
  declarations: {
    publish: [jetStream.api],
    subscribe: [inbox('declarations'), jetStream.advisories],
  },
} as const satisfies Record<string, NatsPermissions>;

export type NatsUserName = keyof typeof NATS_USERS;
