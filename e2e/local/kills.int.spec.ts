import { eventually } from '@headwater/testing';
import {
  checkOrders,
  OrderClient,
  orderOf,
  seededRandom,
  startTestPlatform,
  TestPlatform,
} from '@headwater/testing-platform';

const SEED = Number(process.env['HEADWATER_TEST_SEED'] ?? Date.now() % 1_000_000);
const ORDERS = 500;

let started: TestPlatform;
let client: OrderClient;

beforeAll(async () => {
  started = await startTestPlatform();
  client = new OrderClient(started.platform.urls.api, 32);
}, 120_000);

afterAll(async () => {
  await client.close();
  await started.end();
}, 60_000);

test(`each process killed once at a random moment: nothing lost, nothing doubled (HEADWATER_TEST_SEED=${SEED})`, async () => {
  const random = seededRandom(SEED);
  const { platform } = started;
  const names = platform.processNames();
  expect(names).toEqual(
    expect.arrayContaining([
      'postgres',
      'nats-server',
      'eventstore',
      'order',
      'payment',
      'review',
      'projection',
      'coordinator',
    ]),
  );

  // Each is killed when so many orders have been answered.
  const victims = names
    .map((name) => ({ name, after: Math.floor(random() * ORDERS * 0.9) }))
    .sort((a, b) => a.after - b.after);
  const accepted = new Set<string>();
  let next = 0;
  const killed: string[] = [];
  const placing = Array.from({ length: 32 }, async () => {
    for (let n = next++; n < ORDERS; n = next++) {
      const customer = n % 25 === 3 ? 'declined-1' : n % 25 === 9 ? 'rejected-1' : `customer-${n}`;
      accepted.add((await client.placeSurely(orderOf(customer, 100 + n), `key-${n}`)).order_id);
      while (victims[0] && accepted.size >= victims[0].after) {
        const { name } = victims.shift()!;
        killed.push(name);
        await platform.process(name)!.kill();
      }
    }
  });
  await Promise.all(placing);
  expect(killed.sort()).toEqual([...names].sort());
  expect(accepted.size).toBe(ORDERS);

  await eventually(() => platform.ready(), 90_000);
  await eventually(async () => {
    for (const status of ['Pending', 'PaymentDebited', 'Declined', 'Rejected', 'Voiding']) {
      expect((await client.list({ status, limit: '1' })).orders).toEqual([]);
    }
    expect((await client.list({ customer_id: `customer-${ORDERS - 1}` })).orders).toHaveLength(1);
  }, 90_000);
  const account = await eventually(() => checkOrders(platform, accepted), 60_000, 500);
  expect(account).toMatchObject({
    orders: ORDERS,
    deadLetters: 0,
    statuses: { Cancelled: 40, Approved: ORDERS - 40 },
  });
}, 300_000);
