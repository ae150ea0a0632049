import { DeadLetterFold, LOGS, type DeadLetter } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';
import { eventually } from '@headwater/testing';
import {
  checkOrders,
  OrderClient,
  orderOf,
  readLedger,
  readWholeLog,
  startTestPlatform,
  TestPlatform,
} from '@headwater/testing-platform';
import { CommandLine } from './command-line';
import { ProviderGate } from './provider-gate';

let gate: ProviderGate;
let started: TestPlatform;
let client: OrderClient;
let store: EventStoreClient;
let cli: CommandLine;
const accepted: string[] = [];

beforeAll(async () => {
  gate = await ProviderGate.open();
  started = await startTestPlatform({ env: { HEADWATER_PAYMENT_URL: gate.url } });
  const { api, grpc, simulator } = started.platform.urls;
  gate.target = simulator;
  client = new OrderClient(api, 16);
  store = new EventStoreClient({ address: grpc, channels: 1 });
  cli = new CommandLine(started);
}, 240_000);

afterAll(async () => {
  await Promise.all([client.close(), store.close()]);
  await started.end();
  await gate.close();
}, 240_000);

const letters = async (): Promise<DeadLetter[]> => {
  const fold = new DeadLetterFold();
  for (const event of await readWholeLog(store, LOGS.deadLetters)) fold.apply(event);
  return fold.letters;
};

const waiting = async (): Promise<DeadLetter[]> =>
  (await letters()).filter(({ state }) => state === 'parked' || state === 'redriven');

async function place(count: number, customer: string): Promise<string[]> {
  const ids = await Promise.all(
    Array.from({ length: count }, async (_, n) => (await client.place(orderOf(`${customer}-${n}`))).order_id),
  );
  accepted.push(...ids);
  return ids;
}

/** Places orders that the provider refuses, and waits for their dead letters. */
async function refused(count: number, customer: string): Promise<string[]> {
  // An order may be seen approved a moment before that is recorded of its dead letter.
  await eventually(async () => expect(await waiting()).toEqual([]));
  gate.mood = 'refuses';
  const ids = await place(count, customer);
  await eventually(async () => expect(await waiting()).toHaveLength(count), 60_000);
  gate.mood = 'passes';
  return ids;
}

const ended = (ids: readonly string[], status = 'Approved'): Promise<void> =>
  eventually(async () => {
    const orders = await Promise.all(ids.map((id) => client.get(id)));
    expect(orders.map((order) => order.status)).toEqual(ids.map(() => status));
  }, 60_000);

test('what a provider refuses becomes dead letters, which are listed, counted and shown before anything is done', async () => {
  const [id] = await refused(1, 'shown');
  const listed = JSON.parse(await cli.run('deadletters', 'ls', '--json')) as { id: number }[];
  expect(listed).toMatchObject([
    {
      id: 1,
      state: 'parked',
      consumer: 'payment-worker',
      reason: 'terminal',
      event: { aggregate_id: id, event_type: 'ORDERS.created' },
    },
  ]);
  expect(await cli.run('deadletters', 'ls')).toMatch(
    /^ID +CONSUMER .*\n +1 +payment-worker +ORDERS\.created .* terminal .* parked .*the payment provider refuses/,
  );
  expect(await cli.run('deadletters', 'ls', '--consumer', 'review-worker')).toBe('no dead letters wait\n');
  expect(await cli.run('deadletters', 'ls', '--older-than', '1h')).toBe('no dead letters wait\n');
  expect(await cli.run('deadletters', 'show', '1')).toContain('TerminalError: the payment provider refuses');

  const count = await cli.run('deadletters', 'redrive', '--consumer', 'payment-worker');
  expect(count).toContain('would redrive 1; nothing has been changed');
  expect(await cli.refusal('deadletters', 'redrive')).toContain('say which');
  expect(await cli.refusal('deadletters', 'redrive', '1', '--yes')).toContain(
    '--reason and --by are recorded',
  );
  expect(await cli.refusal('deadletters', 'redrive', '99')).toContain('there is no dead letter 99');
  expect((await waiting()).map(({ state }) => state)).toEqual(['parked']);

  await cli.run('deadletters', 'redrive', '1', '--yes', '--reason', 'the provider is mended');
  await ended([id!]);
  const shown = await cli.run('deadletters', 'show', '1');
  expect(shown).toMatch(/^dead letter +1, handled/);
  expect(shown).toMatch(/redriven +ada +the provider is mended\n.* handled/);
  expect(await cli.run('deadletters', 'ls')).toBe('no dead letters wait\n');
}, 240_000);

test('a redrive waits for a worker that is down', async () => {
  const ids = await refused(3, 'waits');
  const worker = started.platform.process('payment')!;
  worker.signal('SIGSTOP');
  try {
    const said = await cli.run('deadletters', 'redrive', '--all', '--yes', '--reason', 'mended');
    expect(said).toContain('3 of 3 redriven by ada: mended');
    expect(await cli.run('deadletters', 'ls')).toMatch(/redriven/);
    // Once more changes nothing: they are on their way.
    expect(await cli.run('deadletters', 'redrive', '--all', '--yes', '--reason', 'again')).toBe(
      'nothing to redrive\n',
    );
  } finally {
    worker.signal('SIGCONT');
  }
  await ended(ids);
}, 240_000);

test('two command lines at once, one of them and the worker killed in the middle: each is handled once', async () => {
  const ids = await refused(60, 'killed');
  const redrive = ['deadletters', 'redrive', '--all', '--yes', '--reason', 'mended'];
  const [first, second] = [cli.begin(...redrive, '--rate', '40'), cli.begin(...redrive, '--rate', '40')];
  const redriven = async (): Promise<number> =>
    (await letters()).filter(({ state }) => state === 'redriven' || state === 'handled').length;
  const before = await redriven();
  await eventually(async () => expect(await redriven()).toBeGreaterThan(before + 8));
  first.child.kill('SIGKILL');
  await started.platform.process('payment')!.kill();
  await eventually(async () => expect(await redriven()).toBeGreaterThan(before + 20));
  second.child.kill('SIGKILL');
  await Promise.all([first.ended, second.ended]);
  expect(await redriven()).toBeLessThan(before + 60);
  // Repeated, it goes on with what is left.
  await cli.run(...redrive, '--rate', '500');
  await ended(ids);
  await eventually(async () => expect(await waiting()).toEqual([]));
  const all = await letters();
  for (const { history } of all) expect(history.map(({ name }) => name)).toEqual(['redriven', 'handled']);
  const ledger = await readLedger(started.platform.urls.simulator);
  expect([...ledger.values()].filter(({ status }) => status === 'debited')).toHaveLength(all.length);
}, 240_000);

test('what is discarded is never handled, and who has said so is on record', async () => {
  const [kept, given] = await refused(2, 'discarded');
  const said = await cli.run(
    'deadletters',
    'discard',
    '--aggregate',
    given!,
    '--reason',
    'a duplicate',
    '--yes',
  );
  expect(said).toContain('1 of 1 discarded by ada: a duplicate');
  await cli.run('deadletters', 'redrive', '--parked-for', 'terminal', '--yes', '--reason', 'mended');
  await ended([kept!]);
  expect((await client.get(given!)).status).toBe('Pending');
  const discarded = (await letters()).find(({ parked }) => parked.event?.aggregate_id === given);
  expect(discarded).toMatchObject({
    state: 'discarded',
    history: [{ name: 'discarded', by: 'ada', reason: 'a duplicate' }],
  });
  // Its customer gives it up as well; nothing had been paid.
  await cli.run('orders', 'cancel', given!, '--reason', 'a duplicate');
  await ended([given!], 'Cancelled');
}, 240_000);

test('what fails again is parked again, and told as such', async () => {
  const [id] = await refused(1, 'again');
  gate.mood = 'refuses';
  const [letter] = await waiting();
  await cli.run('deadletters', 'redrive', String(letter!.position), '--yes', '--reason', 'perhaps');
  const again = await eventually(async () => {
    const [open] = await waiting();
    expect(open?.parked.redrive).toBe(1);
    return open!;
  });
  gate.mood = 'passes';
  expect(await cli.run('deadletters', 'show', String(letter!.position))).toContain('parked-again');
  await cli.run('deadletters', 'redrive', String(again.position), '--yes', '--reason', 'mended now');
  await ended([id!]);
}, 240_000);

test('a long outage of everything that a worker depends on makes no dead letter', async () => {
  const before = (await letters()).length;
  gate.mood = 'away';
  const ids = await place(20, 'outage');
  const began = Date.now();
  await eventually(() => expect(gate.met.away).toBeGreaterThan(60));
  // Longer than the ack wait and than all attempts together would take, with the others away in between.
  const { platform } = started;
  const store = platform.process('eventstore')!;
  store.signal('SIGSTOP');
  await eventually(() => expect(Date.now() - began).toBeGreaterThan(8_000));
  store.signal('SIGCONT');
  await platform.process('nats-server')!.kill();
  await platform.process('postgres')!.kill();
  await eventually(() => expect(Date.now() - began).toBeGreaterThan(16_000));
  gate.mood = 'passes';
  await ended(ids);
  expect(await letters()).toHaveLength(before);
}, 240_000);

test('after all of that everything agrees', async () => {
  await eventually(() => started.platform.ready(), 60_000);
  const account = await eventually(() => checkOrders(started.platform, accepted), 60_000, 500);
  expect(account).toMatchObject({ orders: accepted.length, statuses: { Cancelled: 1 } });
  expect(await waiting()).toEqual([]);
}, 240_000);
