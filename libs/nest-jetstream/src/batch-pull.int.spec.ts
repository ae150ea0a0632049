import { eventually } from '@headwater/testing';
import { NatsConnection } from '@nats-io/transport-node';
import { Broker } from '../test/fixture';
import { BatchPull } from './index';

let broker: Broker;
let connection: NatsConnection;
const settledAll = (): Promise<void> => eventually(async () => expect(await broker.unsettled()).toBe(0));

const names = (count: number, prefix = 'order'): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

beforeEach(async () => {
  broker = await Broker.start();
  connection = await broker.connect();
});

afterEach(async () => {
  await broker.stop();
});

test.each(['explicit', 'all'] as const)(
  'with ack policy %s batches come in order, and what is not acked is given back on stop',
  async (ack_policy) => {
    await broker.declareStream();
    await broker.declareConsumer({ ack_policy });
    await broker.publish(names(1_000));
    await broker.publishRaw('ORDERS.created.00', 'no event');
    const pull = new BatchPull({ connection, stream: 'ORDERS', consumer: 'payment-worker' }).start();
    const seen: number[] = [];
    let malformed = 0;
    for await (const batch of pull) {
      seen.push(...batch.messages.map(({ sequence }) => sequence));
      malformed += batch.messages.filter(({ event }) => event === undefined).length;
      batch.ackAll();
      if (seen.length >= 1_001) break;
    }
    expect(seen).toEqual(Array.from({ length: 1_001 }, (_, n) => n + 1));
    expect(malformed).toBe(1);
    await settledAll();

    await broker.publish(['later']);
    const unacked = await pull.next();
    expect(unacked?.messages).toHaveLength(1);
    await pull.stop();
    expect(await pull.next()).toBeUndefined();
    const again = new BatchPull({ connection, stream: 'ORDERS', consumer: 'payment-worker' }).start();
    const redelivered = await again.next();
    expect(redelivered?.messages.map(({ deliveries }) => deliveries)).toEqual([2]);
    redelivered?.ackAll();
    await again.stop();
  },
);
