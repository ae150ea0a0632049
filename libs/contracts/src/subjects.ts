/**
 * Every subject string of the platform is built here.
 *
 * An event's subject is its type and a partition: `ORDERS.created.07`. One fixed token keeps the number of subjects
 * constant (an id in the subject would cost broker memory for every order ever made) and lets a consumer be split.
 */
export const LOGS = { orders: 'ORDERS', deadLetters: 'DEADLETTERS' } as const;

/** Partitions of a log unless it is declared with 0 (bare event types, as the sample has them). Fixed for ever. */
export const PARTITIONS = 64;

/** Durable names of the platform's consumers. */
export const CONSUMERS = {
  payment: 'payment-worker',
  review: 'review-worker',
  projection: 'query-model-worker',
  coordinator: 'coordinator',
} as const;

/**
 * Partition of an aggregate: FNV-1a, 32 bit, of the UTF-8 id, modulo the number of partitions.
 * Source: Fowler, Noll, Vo; draft-eastlake-fnv.
 */
export function partitionOf(aggregateId: string, partitions: number = PARTITIONS): number {
  let hash = 0x811c9dc5;
  for (const byte of utf8(aggregateId)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0) % partitions;
}

const encoder = new TextEncoder();
const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** Two digits of a partition, computed once. */
const PARTITION_TOKENS = Array.from({ length: PARTITIONS }, (_, n) => n.toString().padStart(2, '0'));

/** Subject an event is published on; with `partitions` 0 the bare event type. */
export function subjectOf(eventType: string, aggregateId: string, partitions: number = PARTITIONS): string {
  if (partitions === 0) return eventType;
  return `${eventType}.${PARTITION_TOKENS[partitionOf(aggregateId, partitions)]}`;
}

/** Everything a log's stream holds. */
export const streamSubject = (log: string): string => `${log}.>`;

/** What a consumer of an event type filters: with and without the partition token. */
export const filterSubjects = (eventType: string): [string, string] => [eventType, `${eventType}.*`];

/** Core-NATS ping with which an event store replica wakes the others' relays. Not stored. */
export const relayWakeSubject = (log: string): string => `headwater.relay.${log}`;

/** JetStream API and advisory subjects that permissions and watchers name. */
export const jetStream = {
  info: '$JS.API.INFO',
  api: '$JS.API.>',
  streamInfo: (stream: string) => `$JS.API.STREAM.INFO.${stream}`,
  messageGet: (stream: string) => `$JS.API.STREAM.MSG.GET.${stream}`,
  directGet: (stream: string) => `$JS.API.DIRECT.GET.${stream}`,
  directGetLast: (stream: string) => `$JS.API.DIRECT.GET.${stream}.>`,
  consumerInfo: (stream: string, consumer: string) => `$JS.API.CONSUMER.INFO.${stream}.${consumer}`,
  next: (stream: string, consumer: string) => `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
  ack: (stream: string, consumer: string) => `$JS.ACK.${stream}.${consumer}.>`,
  /** With a domain and account hash in front, as newer servers may send it. */
  ackV2: (stream: string, consumer: string) => `$JS.ACK.*.*.${stream}.${consumer}.>`,
  flowControl: (stream: string, consumer: string) => `$JS.FC.${stream}.${consumer}.>`,
  advisories: '$JS.EVENT.ADVISORY.>',
  terminated: (stream: string, consumer: string) =>
    `$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.${stream}.${consumer}`,
  maxDeliveries: (stream: string, consumer: string) =>
    `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${stream}.${consumer}`,
  streamAdvisories: (stream: string) => `$JS.EVENT.ADVISORY.STREAM.*.${stream}`,
} as const;
