import { createServer, get, IncomingMessage, Server } from 'node:http';
import { AddressInfo } from 'node:net';
import { OrderEvent } from '@headwater/contracts';
import { EventStoreUnavailable } from '@headwater/eventstore-client';
import { eventually } from '@headwater/testing';
import { createdEvent, OrderLog } from '@headwater/testing-platform';
import { OrderWatchers } from './order-watchers';
import { watchOrder } from './watch-order';

let log: OrderLog;
let watchers: OrderWatchers;
let server: Server;
let readings: number;
/** Breaks the reading of the log after its next page. */
let breakOff = false;
let orders = 0;
let order: string;

beforeAll(async () => {
  log = await OrderLog.create();
});
afterAll(() => log.close());

beforeEach(async () => {
  order = `order-${++orders}`;
  readings = 0;
  const store = {
    getLog: (name: string) => log.getLog(name),
    async *followLog(name: string, options: { after: number; signal: AbortSignal }) {
      readings++;
      for await (const page of log.followLog(name, options)) {
        yield page;
        if (!breakOff || page.events.length === 0) continue;
        breakOff = false;
        throw new EventStoreUnavailable('gone');
      }
    },
  };
  watchers = new OrderWatchers(store, { warn: () => undefined });
  server = createServer((request, response) => {
    const after = Number(request.headers['last-event-id'] ?? 0);
    void watchOrder(log, watchers, order, after, 20).then((watch) => {
      response.writeHead(watch ? (watch.over ? 204 : 200) : 404);
      response.flushHeaders();
      if (watch && !watch.over) return watch.serve(response);
      watch?.leave();
      response.end();
      return undefined;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await log.given(order, createdEvent(order));
});

afterEach(async () => {
  await watchers.close();
  await new Promise((resolve) => server.close(resolve));
});

const debited = (): OrderEvent => ({
  name: 'paymentdebited',
  data: { order_id: order, customer_id: 'c1', payment_id: 'p', amount: '12.50', currency: 'EUR' },
});
const approved = (): OrderEvent => ({ name: 'approved', data: { order_id: order } });

class Client {
  text = '';
  ended = false;
  response: IncomingMessage | undefined;

  constructor(lastEventId?: number) {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) };
    get({ port: (server.address() as AddressInfo).port, headers }, (response) => {
      this.response = response;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (this.text += chunk));
      response.on('close', () => (this.ended = true));
    });
  }

  get ids(): string[] {
    return [...this.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id ?? '');
  }
}

test('history first, then what happens; heartbeats between; the end with the order', async () => {
  const client = new Client();
  await eventually(() => expect(client.ids).toEqual(['1']));
  await eventually(() => expect(client.text).toContain(': still here'));
  await log.given(order, debited());
  await eventually(() => expect(client.ids).toEqual(['1', '2']));
  expect(client.ended).toBe(false);
  await log.given(order, approved());
  await eventually(() => expect(client.ended).toBe(true));
  expect(client.ids).toEqual(['1', '2', '3']);
  expect(client.text).toMatch(/event: ORDERS\.approved\ndata: \{"position":\d+,"version":3,/);
  expect(watchers.count).toBe(0);
});

test('many watchers cost one reading, which goes on where it broke off', async () => {
  const clients = Array.from({ length: 50 }, () => new Client());
  await eventually(() => clients.forEach(({ ids }) => expect(ids).toEqual(['1'])));
  expect(readings).toBe(1);
  breakOff = true;
  await log.given(order, debited());
  await log.given(order, approved());
  await eventually(() => clients.forEach(({ ids }) => expect(ids).toEqual(['1', '2', '3'])));
  expect(readings).toBe(2);
});

test('a client that went comes back and gets the rest; one that has everything is sent away', async () => {
  const first = new Client();
  await eventually(() => expect(first.ids).toEqual(['1']));
  first.response?.destroy();
  await eventually(() => expect(watchers.count).toBe(0));
  await log.given(order, debited());
  const second = new Client(1);
  await eventually(() => expect(second.ids).toEqual(['2']));
  await log.given(order, approved());
  await eventually(() => expect(second.ended).toBe(true));
  const third = new Client(3);
  await eventually(() => expect(third.response?.statusCode).toBe(204));
});

test('the end of the process ends the watches', async () => {
  const client = new Client();
  await eventually(() => expect(client.ids).toEqual(['1']));
  await watchers.close();
  await eventually(() => expect(client.ended).toBe(true));
});
