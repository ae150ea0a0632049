import { eventually, startTestNatsCluster, TestNats } from '@headwater/testing';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { headersOf } from '@headwater/contracts';
import { bind } from './binding';
import { Broker, CONSUMER, recordedEvent, STREAM, Worker } from '../test/fixture';

test('a broker that stands still is noticed by its missing heartbeats, and taken up again', async () => {
  const broker = await Broker.start();
  await broker.declareStream();
  await broker.declareConsumer({ ack_wait: 2e9 });
  const connection = await broker.connect();
  const handled: string[] = [];
  const worker = await Worker.start(connection, ({ aggregateId }) => handled.push(aggregateId), {
    pull: { heartbeatMs: 200 },
  });
  await eventually(() => expect(worker.state).toBe('up'));
  broker.server.signal('SIGSTOP');
  await eventually(() => expect(worker.state).toMatch(/silent|does not answer/));
  broker.server.signal('SIGCONT');
  await broker.publish(['a']);
  await eventually(() => expect(handled).toEqual(['a']));
  await eventually(() => expect(worker.state).toBe('up'));
  await worker.stop();
  await broker.stop();
});

test('what was asked over a connection that is lost is not waited for', async () => {
  const broker = await Broker.start();
  await broker.declareStream();
  await broker.declareConsumer({ ack_wait: 2e9 });
  const connection = await broker.connect();
  await bind(connection, STREAM, CONSUMER, [], new AbortController().signal);
  broker.server.signal('SIGSTOP');
  const lost = new AbortController();
  const asked = bind(connection, STREAM, CONSUMER, [], lost.signal);
  lost.abort();
  // Not "timeout", which is what no answer would come to.
  await expect(asked).rejects.toThrow('the connection was lost');
  broker.server.signal('SIGCONT');
  await broker.stop();
});

test('a worker goes on with a broker that is killed while it is being asked', async () => {
  const broker = await Broker.start();
  await broker.declareStream();
  await broker.declareConsumer({ ack_wait: 2e9 });
  const connection = await broker.connect();
  const handled: string[] = [];
  const worker = await Worker.start(connection, ({ aggregateId }) => handled.push(aggregateId), {
    watchMs: 10,
  });
  await eventually(() => expect(worker.state).toBe('up'));
  for (const round of ['a', 'b', 'c']) {
    await broker.server.kill();
    await broker.server.restart();
    await broker.publish([round]);
    await eventually(() => expect(handled).toContain(round));
  }
  await worker.stop();
  await broker.stop();
});

describe('in a cluster', () => {
  let servers: TestNats[];
  beforeEach(async () => {
    servers = await startTestNatsCluster(3);
  });
  afterEach(() => Promise.all(servers.map((server) => server.stop())));

  test('nothing is lost when the consumer changes its leader again and again, or a server is killed', async () => {
    const options = {
      servers: servers.map(({ url }) => url),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
    };
    const admin = await connect(options);
    const manager = await eventually(async () => {
      const ready = await jetstreamManager(admin);
      await ready.streams.add({ name: STREAM, subjects: [`${STREAM}.>`], num_replicas: 3 });
      return ready;
    });
    await manager.consumers.add(STREAM, {
      durable_name: CONSUMER,
      ack_policy: AckPolicy.Explicit,
      ack_wait: 1e9,
      max_ack_pending: 1_000,
    });
    const handled = new Map<string, number>();
    const connection = await connect(options);
    const worker = await Worker.start(
      connection,
      async ({ aggregateId }) => {
        await new Promise(setImmediate);
        handled.set(aggregateId, (handled.get(aggregateId) ?? 0) + 1);
      },
      { concurrency: 8, capacity: 64, pull: { batch: 32 } },
    );
    let position = 0;
    const publish = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        const event = recordedEvent({ position: position + 1 });
        const message = headers();
        for (const [name, value] of headersOf(event)) message.set(name, value);
        // A publish whose answer got lost may have happened; the id keeps it from happening twice.
        await eventually(() =>
          jetstream(admin).publish('ORDERS.created.00', event.data, {
            headers: message,
            msgID: event.eventId,
          }),
        );
        position++;
      }
    };
    for (let round = 1; round <= 4; round++) {
      await publish(100);
      await admin
        .request(`$JS.API.CONSUMER.LEADER.STEPDOWN.${STREAM}.${CONSUMER}`, '')
        .catch(() => undefined);
    }
    await servers[0]?.kill();
    await publish(100);
    await eventually(() => expect(handled.size).toBe(500));
    await eventually(async () => {
      const info = await (await jetstreamManager(admin)).consumers.info(STREAM, CONSUMER);
      expect(info.num_pending + info.num_ack_pending).toBe(0);
    });
    expect(worker.parked).toEqual([]);
    expect(Math.max(...handled.values())).toBe(1);
    await worker.stop();
    await connection.close();
    await admin.close();
  });
});
