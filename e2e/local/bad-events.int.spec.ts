import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { credentials, loadPackageDefinition, ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { connect } from '@nats-io/transport-node';
import { DEAD_LETTER_EVENTS, LOGS, ParkedDeadLetter } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';
import { eventually } from '@headwater/testing';
import {
  checkOrders,
  OrderClient,
  orderOf,
  readWholeLog,
  startTestPlatform,
  TestPlatform,
} from '@headwater/testing-platform';

const ROOT = resolve(__dirname, '../..');
const run = promisify(execFile);

let started: TestPlatform;
let client: OrderClient;
let store: EventStoreClient;
let sample: SampleClient;

/** As much of the Go sample's client as its proto file gives. */
interface SampleClient {
  CreateEvent(
    request: unknown,
    callback: (error: ServiceError | null, answer: { is_success: boolean; error: string }) => void,
  ): void;
  GetEvents(
    request: unknown,
    callback: (error: ServiceError | null, answer: { events: Record<string, string>[] }) => void,
  ): void;
  GetEventsStream(request: unknown): AsyncIterable<Record<string, string>>;
  close(): void;
}

function sampleClient(address: string): SampleClient {
  const definition = loadPackageDefinition(
    loadSync(join(ROOT, 'proto', 'eventstore.proto'), { keepCase: true }),
  );
  const { EventStore } = definition['eventstore'] as unknown as {
    EventStore: new (address: string, credentials: unknown) => SampleClient;
  };
  return new EventStore(address, credentials.createInsecure());
}

const create = (event: Record<string, string>): Promise<{ is_success: boolean; error: string }> =>
  new Promise((done, fail) =>
    sample.CreateEvent({ event }, (error, answer) => (error ? fail(error) : done(answer))),
  );

const headwater = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
  run(process.execPath, [join(ROOT, 'apps', 'cli', 'bin', 'headwater.js'), ...args], {
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      HEADWATER_DATA_DIR: started.platform.layout.dataDir,
      HEADWATER_NATS_URL: started.platform.urls.nats,
    },
  });

const deadLetters = async (): Promise<ParkedDeadLetter[]> =>
  (await readWholeLog(store, LOGS.deadLetters)).map(({ data }) =>
    DEAD_LETTER_EVENTS.parked.schema.parse(JSON.parse(data)),
  );

const approved = (id: string): Promise<void> =>
  eventually(async () => expect((await client.get(id)).status).toBe('Approved'));

beforeAll(async () => {
  started = await startTestPlatform();
  const { api, grpc } = started.platform.urls;
  client = new OrderClient(api, 4);
  store = new EventStoreClient({ address: grpc, channels: 1 });
  sample = sampleClient(grpc);
}, 120_000);

afterAll(async () => {
  sample.close();
  await Promise.all([client.close(), store.close()]);
  await started.end();
}, 60_000);

test('a client that speaks only the sample’s proto reads the history of an approved order, also as a stream', async () => {
  const { order_id } = await client.place(orderOf('reader'));
  await approved(order_id);
  const { events } = await new Promise<{ events: Record<string, string>[] }>((done, fail) =>
    sample.GetEvents({ aggregate_id: order_id }, (error, answer) => (error ? fail(error) : done(answer))),
  );
  const types = ['ORDERS.created', 'ORDERS.paymentdebited', 'ORDERS.approved'];
  expect(events.map(({ event_type }) => event_type)).toEqual(types);
  const streamed: string[] = [];
  for await (const event of sample.GetEventsStream({ aggregate_id: order_id }))
    streamed.push(event['event_type']!);
  expect(streamed).toEqual(types);
});

test('an order that a sample client creates, with its floats, is paid and approved', async () => {
  const order = {
    order_id: 'sample-order',
    customer_id: 'c1',
    restaurant_id: 'r1',
    amount: 24.4,
    created_on: '2024-01-01T00:00:00Z',
    order_items: [{ code: 'a', name: 'A', unit_price: 12.2, quantity: 2 }],
  };
  const event = {
    event_id: 'sample-event',
    event_type: 'ORDERS.created',
    aggregate_id: 'sample-order',
    aggregate_type: 'order',
    event_data: JSON.stringify(order),
    stream: 'ORDERS',
  };
  expect(await create(event)).toEqual({ is_success: true, error: '' });
  expect(await create(event)).toEqual({ is_success: true, error: '' });
  await eventually(async () =>
    expect(await client.get('sample-order')).toMatchObject({
      status: 'Approved',
      amount: '24.40',
      version: 3,
    }),
  );
});

test('a poison event becomes the worker’s dead letter and stops the projection, visibly, until it is parked', async () => {
  const refused = await create({
    event_id: 'p0',
    event_type: 'ORDERS.created',
    aggregate_id: 'poison',
    aggregate_type: 'order',
    event_data: '{broken',
    stream: 'ORDERS',
  });
  expect(refused.is_success).toBe(false);
  expect(refused.error).toContain('event_data');
  const taken = await create({
    event_id: 'p1',
    event_type: 'ORDERS.created',
    aggregate_id: 'poison',
    aggregate_type: 'order',
    event_data: '{"order_id":"poison"}',
    stream: 'ORDERS',
  });
  expect(taken).toEqual({ is_success: true, error: '' });
  const [poison] = await store.readAggregate(LOGS.orders, 'poison');

  const next = await client.place(orderOf('behind the poison'));
  const parked = async (consumer: string): Promise<void> => {
    expect(await deadLetters()).toContainEqual(
      expect.objectContaining({ consumer, sequence: poison!.position }),
    );
  };
  await eventually(() => parked('payment-worker'));
  const readyz = `http://127.0.0.1:${started.platform.ports['ops projection']}/readyz`;
  await eventually(async () => {
    const response = await fetch(readyz);
    expect(response.status).toBe(503);
    expect(await response.text()).toContain(`projections park ${poison!.position}`);
  });
  // The others go on: the order behind it is paid and approved in the log, and not yet in the read model.
  await eventually(async () => expect(await store.readAggregate(LOGS.orders, next.order_id)).toHaveLength(3));
  await expect(client.get(next.order_id)).rejects.toMatchObject({ status: 404 });

  const { stdout } = await headwater(
    'projections',
    'park',
    String(poison!.position),
    '--reason',
    'sent by mistake',
    '--by',
    'ada',
  );
  expect(stdout).toContain(`position ${poison!.position}`);
  await approved(next.order_id);
  await eventually(() => parked('query-model-worker'));
  expect((await fetch(readyz)).status).toBe(200);
});

test('a message that somebody else put into the stream stops the relay, is named, and is repaired by one command', async () => {
  const { nats } = started.platform.urls;
  const pass = await readFile(started.platform.layout.secret('nats-eventstore.password'), 'utf8');
  const intruder = await connect({
    servers: nats,
    user: 'eventstore',
    pass,
    inboxPrefix: '_INBOX_eventstore',
  });
  intruder.publish('ORDERS.created.00', 'not an event');
  await intruder.flush();
  await intruder.close();

  // The appends go on; the relay stands still and says why.
  const { order_id } = await client.place(orderOf('behind the intruder'));
  const halted = await eventually(async () => {
    const { relayHalted } = await store.getLog(LOGS.orders);
    expect(relayHalted).toContain('headwater log repair ORDERS');
    return relayHalted;
  });
  expect(halted).toBeDefined();
  // It reached the payment worker as well, who could make nothing of it.
  await eventually(async () => {
    const letters = await deadLetters();
    expect(letters).toContainEqual(
      expect.objectContaining({
        consumer: 'payment-worker',
        reason: 'undecodable',
        message: expect.anything() as unknown,
      }),
    );
  });

  await expect(headwater('log', 'repair', 'ORDERS')).rejects.toMatchObject({
    stdout: expect.stringContaining('not repaired') as unknown,
  });
  const { stdout } = await headwater('log', 'repair', 'ORDERS', '--rebuild-stream');
  expect(stdout).toContain('is deleted');
  await approved(order_id);
  await eventually(async () => expect((await store.getLog(LOGS.orders)).relayHalted).toBeUndefined());
}, 120_000);

test('the stream deleted by hand, and a consumer too: both come back, and nothing is lost or doubled', async () => {
  const connection = await started.platform.connectNats();
  await connection.request('$JS.API.CONSUMER.DELETE.ORDERS.payment-worker');
  const first = await client.place(orderOf('without a consumer'));
  await approved(first.order_id);
  await connection.request('$JS.API.STREAM.DELETE.ORDERS');
  const second = await client.place(orderOf('without a stream'));
  await approved(second.order_id);
  await connection.close();
}, 120_000);

test('the NATS user of a worker may not publish an event', async () => {
  const pass = await readFile(started.platform.layout.secret('nats-payment.password'), 'utf8');
  const { nats } = started.platform.urls;
  const worker = await connect({ servers: nats, user: 'payment', pass, inboxPrefix: '_INBOX_payment' });
  const refusal = eventually(async () => {
    for await (const status of worker.status()) {
      if (status.type === 'error') return status.error.message;
    }
    throw new Error('the connection ended');
  });
  worker.publish('ORDERS.created.00', '{}');
  expect(await refusal).toContain('ORDERS.created.00');
  await worker.close();
});

test('the command line shows orders, timelines and lag, and says what is wrong in one sentence', async () => {
  const { api, grpc } = started.platform.urls;
  const created = await headwater('orders', 'create', '--api', api, '--wait', '--json', '--key', 'cli-1');
  const { order_id, status } = JSON.parse(created.stdout) as { order_id: string; status: string };
  expect(status).toBe('Approved');
  expect((await headwater('orders', 'get', order_id, '--api', api)).stdout).toContain('Approved');
  expect((await headwater('orders', 'ls', '--api', api, '--limit', '3')).stdout).toContain(order_id);
  const { stdout } = await headwater('trace', order_id, '--api', api);
  expect(stdout).toMatch(
    /ORDERS\.created\s+client\n.*ORDERS\.paymentdebited\s+payment-worker.*delivery 1.*\n.*ORDERS\.approved\s+review-worker/,
  );
  const lag = await headwater('lag', '--eventstore', grpc, '--json');
  expect(JSON.parse(lag.stdout)).toContainEqual(
    expect.objectContaining({ kind: 'consumer', name: 'payment-worker', pending: 0 }),
  );
  await expect(headwater('orders', 'get', 'nobody', '--api', api)).rejects.toMatchObject({
    code: 1,
    stderr: 'headwater: there is no order "nobody"\n',
  });
  await expect(headwater('orders', 'ls', '--api', 'http://127.0.0.1:1')).rejects.toMatchObject({
    stderr: expect.stringContaining('does not answer') as unknown,
  });
  const applied = await headwater('apply', '-f', join(ROOT, 'k8s', 'jetstream'));
  expect(applied.stdout).toContain('Stream ORDERS unchanged');
  const migrated = await headwater('migrate');
  expect(migrated.stdout).toContain('up to date');
});

test('after all of that everything agrees', async () => {
  expect(await checkOrders(started.platform, ['sample-order'], ['poison'])).toMatchObject({
    deadLetters: 3,
    statuses: { Approved: 7 },
  });
});
