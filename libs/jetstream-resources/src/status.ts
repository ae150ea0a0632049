import { z } from 'zod';

const condition = z
  .strictObject({
    type: z
      .string()
      .max(316)
      .describe('Ready, Synced, Drifted, Connected, Reconciling, Stalled or Recreated.'),
    status: z.enum(['True', 'False', 'Unknown']),
    observedGeneration: z.int().optional(),
    lastTransitionTime: z.iso.datetime({ offset: true }).describe('When the status last changed.'),
    reason: z.string().max(1024).describe('One word for machines.'),
    message: z.string().max(32768).describe('A sentence for people.'),
  })
  .describe('One thing that is so or not.');

const common = {
  conditions: z
    .array(condition)
    .max(16)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
    .optional()
    .describe('How the object is.'),
  observedGeneration: z.int().optional().describe('Generation of the spec that the conditions are about.'),
};
const count = (meaning: string) => z.int().min(0).optional().describe(meaning);
const time = (meaning: string) => z.iso.datetime({ offset: true }).optional().describe(meaning);
const name = (meaning: string) => z.string().optional().describe(meaning);

/** Status of a `Stream`; counts are at most some seconds old. */
export const streamStatus = z.strictObject({
  ...common,
  streamName: name('Name of the stream in JetStream.'),
  created: time('When the stream was created; another time means that it is another stream.'),
  messages: count('Messages that it holds.'),
  bytes: count('Bytes that they take.'),
  firstSeq: count('Sequence of its first message.'),
  lastSeq: count('Sequence of its last message.'),
  leader: name('Server that leads it.'),
  replicas: name('Replicas that keep up, of all, for example 3/3.'),
  consumers: count('Consumers that it has.'),
  driftedFields: z.array(z.string()).max(64).optional().describe('Fields in which it differs from the spec.'),
});
export type StreamStatus = z.infer<typeof streamStatus>;

const sequences = z
  .strictObject({
    streamSeq: z.int().min(0).describe('Sequence in the stream.'),
    consumerSeq: z.int().min(0).describe('Count of deliveries.'),
  })
  .optional();

/** Status of a `Consumer`; counts are at most some seconds old. */
export const consumerStatus = z.strictObject({
  ...common,
  streamCreated: time('When its stream was created; the ack floor counts only as long as it stays the same.'),
  created: time('When the consumer was created.'),
  ackFloor: sequences.describe(
    'Up to where everything is acknowledged; a consumer made again goes on behind it.',
  ),
  ackFloorTime: time('When the ack floor was read.'),
  delivered: sequences.describe('Up to where everything has been delivered.'),
  pending: count('Messages that wait for delivery.'),
  ackPending: count('Messages that are delivered and not yet acknowledged.'),
  redelivered: count('Messages among them that were delivered more than once.'),
  waiting: count('Requests that wait for messages.'),
  leader: name('Server that leads it.'),
  pausedUntil: time('Nothing is delivered before.'),
  driftedFields: z.array(z.string()).max(64).optional().describe('Fields in which it differs from the spec.'),
});
export type ConsumerStatus = z.infer<typeof consumerStatus>;

/** Status of a `Connection`. */
export const connectionStatus = z.strictObject({
  ...common,
  serverVersion: name('Version of the server that it is connected to.'),
  connectedUrl: name('Address of that server, without credentials.'),
  objects: count('Streams and consumers that use it.'),
});
export type ConnectionStatus = z.infer<typeof connectionStatus>;
