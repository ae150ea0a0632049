import { eventually } from '@headwater/testing';
import {
  checkOrders,
  OrderClient,
  orderOf,
  startTestPlatform,
  TestPlatform,
} from '@headwater/testing-platform';
import { CommandLine } from './command-line';

interface Version {
  version: number;
  state: string;
  checkpoint: number;
}

let started: TestPlatform;
let client: OrderClient;
let cli: CommandLine;
const accepted: string[] = [];
const reason = ['--reason', 'the model is to be made anew'];

beforeAll(async () => {
  started = await startTestPlatform();
  client = new OrderClient(started.platform.urls.api, 16);
  cli = new CommandLine(started);
}, 240_000);

afterAll(async () => {
  await client.close();
  await started.end();
}, 240_000);

const versions = async (): Promise<Version[]> =>
  JSON.parse(await cli.run('projections', 'ls', '--json')) as Version[];

async function place(count: number): Promise<void> {
  for (let n = 0; n < count; n += 16)
    accepted.push(
      ...(await Promise.all(
        Array.from(
          { length: Math.min(16, count - n) },
          async () => (await client.place(orderOf('someone'))).order_id,
        ),
      )),
    );
}

/** Places and reads orders all the time, and fails with the first answer that is none. */
function underLoad(): { answers: () => number; end: () => Promise<void> } {
  let going = true;
  let answers = 0;
  const placing = (async () => {
    while (going) {
      const { order_id, position } = await client.place(orderOf('busy'));
      accepted.push(order_id);
      // Reads its own write: never from a model that has gone back.
      const read = await client.call<{ version: number }>(
        'GET',
        `/api/orders/${order_id}?min_position=${position}`,
        undefined,
        { prefer: 'wait=10' },
      );
      expect(read.version).toBeGreaterThan(0);
      answers++;
    }
  })();
  const reading = (async () => {
    while (going) {
      expect((await client.get(accepted[0]!)).status).toBe('Approved');
      expect((await client.list({ limit: '5' })).orders.length).toBeGreaterThan(0);
      answers++;
    }
  })();
  return {
    answers: () => answers,
    end: async () => {
      going = false;
      await Promise.all([placing, reading]);
    },
  };
}

test('a version is built under load although command and projection are killed, and is switched to and back', async () => {
  await place(320);
  await eventually(async () => expect((await client.get(accepted[0]!)).status).toBe('Approved'));
  const load = underLoad();

  const first = cli.begin('projections', 'rebuild', ...reason);
  await eventually(() => expect(first.said()).toContain('version 2'), 60_000);
  first.child.kill('SIGKILL');
  await started.platform.process('projection')!.kill();
  await first.ended;
  // Begun again, it is the same version, and goes on.
  const rebuilt = await cli.run('projections', 'rebuild', ...reason);
  expect(rebuilt).toContain('version 2 was begun already by ada');
  expect(rebuilt).toMatch(/version 2: \d+ of \d+ \(\d+ %\).*, ready/);
  expect(rebuilt).toMatch(/[1-9]\d* orders in both, 0 different, 0 missing in version 2, 0 only in it/);
  expect(rebuilt).toContain('headwater projections promote 2');
  expect(await versions()).toMatchObject([
    { version: 1, state: 'active' },
    { version: 2, state: 'ready' },
  ]);

  const promoted = await cli.run('projections', 'promote', '2', ...reason);
  expect(promoted).toContain('version 2 is read now');
  expect(await cli.run('projections', 'promote', '2', ...reason)).toContain('version 2 is read already');
  const answered = load.answers();
  await eventually(() => expect(load.answers()).toBeGreaterThan(answered + 20));
  const back = await cli.run('projections', 'rollback', '--reason', 'the old one was better');
  expect(back).toContain('version 1 is read now');
  await eventually(() => expect(load.answers()).toBeGreaterThan(answered + 40));
  await load.end();

  expect(await cli.run('projections', 'ls')).toMatch(/1 +active .*the old one was better\n +2 +ready/);
  expect(await cli.refusal('projections', 'rollback', ...reason)).toContain('no previous version');
  expect(await cli.refusal('projections', 'promote', '7', ...reason)).toContain('there is no version 7');
  expect(await cli.refusal('projections', 'drop', '1')).toContain('the one that is read');
  expect(await cli.run('projections', 'drop', '2')).toContain('there is no version 2 any more');
  expect(await versions()).toMatchObject([{ version: 1, state: 'active' }]);
}, 240_000);

test('after that everything agrees', async () => {
  const account = await eventually(() => checkOrders(started.platform, accepted), 60_000, 500);
  expect(account).toMatchObject({ deadLetters: 0, statuses: { Approved: accepted.length } });
}, 240_000);
