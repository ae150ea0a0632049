import { join } from 'node:path';
import { Client, credentials, loadPackageDefinition, ServiceError, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { declareLogs, EVENTSTORE_MIGRATIONS, EventStore } from '@headwater/eventstore';
import { createPool, migrateDatabase } from '@headwater/sql';
import { createTestDatabase } from '@headwater/testing';
import { createEventStoreServer } from './server';

/** A client that knows the sample's proto and nothing else, with its field names as they stand there. */
type Call = (
  request: object,
  done: (error: ServiceError | null, answer: Record<string, unknown>) => void,
) => void;

test("a client of the sample's proto creates and reads events, and gets a stream that streams", async () => {
  const database = await createTestDatabase();
  await migrateDatabase(database.url, EVENTSTORE_MIGRATIONS);
  const pool = createPool({ url: database.url, applicationName: 'test' });
  await declareLogs(pool, ['ORDERS', 'OTHERS']);
  const store = new EventStore(pool, { logs: ['ORDERS', 'OTHERS'] });
  const server = await createEventStoreServer(store, {
    host: '127.0.0.1',
    port: 0,
    onError: () => undefined,
  });
  const file = join(__dirname, '../../../../proto/eventstore.proto');
  const loaded = loadPackageDefinition(loadSync(file, { keepCase: true, defaults: true }));
  const { EventStore: Service } = loaded['eventstore'] as unknown as {
    EventStore: new (address: string, given: unknown) => Client & Record<string, unknown>;
  };
  const client = new Service(`127.0.0.1:${server.port}`, credentials.createInsecure());
  const ask = (method: string, request: object): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) =>
      (client[method] as Call).call(client, request, (error, answer) =>
        error ? reject(error) : resolve(answer),
      ),
    );
  const event = (event_id: string, change: object = {}): object => ({
    event_id,
    event_type: 'ORDERS.created',
    aggregate_id: 'o-1',
    aggregate_type: 'order',
    event_data: '{"a":1}',
    stream: 'ORDERS',
    ...change,
  });

  expect(await ask('CreateEvent', { event: event('1') })).toEqual({ is_success: true, error: '' });
  expect(await ask('CreateEvent', { event: event('1') })).toEqual({ is_success: true, error: '' });
  const second = event('2', { event_data: '', event_type: 'OTHERS.noted', stream: 'OTHERS' });
  expect(await ask('CreateEvent', { event: second })).toMatchObject({ is_success: true });
  const refusals: [object, RegExp][] = [
    [{}, /event is missing/],
    [{ event: event('') }, /^event\.event_id /],
    [{ event: event('3', { event_data: '{' }) }, /^event\.event_data /],
    [{ event: event('3', { stream: '' }) }, /^event\.stream /],
    [{ event: event('1', { event_data: '{}' }) }, /other content/],
    [{ event: event('3', { stream: 'X', event_type: 'X.y' }) }, /no log named/],
  ];
  for (const [request, why] of refusals) {
    expect(await ask('CreateEvent', request)).toEqual({
      is_success: false,
      error: expect.stringMatching(why),
    });
  }
  expect(await ask('GetEvents', { aggregate_id: 'o-1' })).toEqual({ events: [event('1'), second] });
  expect(await ask('GetEvents', { event_id: '2' })).toEqual({ events: [second] });
  await expect(ask('GetEvents', {})).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  const stream = (client['GetEventsStream'] as (request: object) => AsyncIterable<object>).call(client, {
    aggregate_id: 'o-1',
  });
  const streamed: object[] = [];
  for await (const one of stream) streamed.push(one);
  expect(streamed).toEqual([event('1'), second]);

  client.close();
  await server.close();
  await store.close();
  await pool.end();
  await database.drop();
});
