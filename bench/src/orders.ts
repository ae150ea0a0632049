import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { removePostgresData } from '@headwater/embedded';
import { LocalPlatform } from '@headwater/local-platform';
import { OrderClient, orderOf } from '@headwater/testing-platform';
import { Approvals } from './approvals';
import { cpuByProcess } from './cpu';
import { quantile } from './quantile';

const HELP = `npm run bench -- orders [--json] [--orders N] [--outstanding N] [--seconds S] [--port-offset N] [--profile FOLDER]

Places orders over HTTP and waits until each is visible as Approved, with every process on this machine.
First as fast as it goes, with a bound on orders under way; then at half of that rate, for the latency.

  --orders N        orders of the first part (default 10000)
  --outstanding N   orders under way at most in the first part (default 256)
  --seconds S       length of the second part (default 15)
  --port-offset N   shifts the ports of the platform that is started (default 700)
  --profile FOLDER  every process writes a CPU profile there when it ends
  --json            the result as one JSON line, last`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: {
      json: { type: 'boolean', default: false },
      orders: { type: 'string', default: '10000' },
      outstanding: { type: 'string', default: '256' },
      seconds: { type: 'string', default: '15' },
      profile: { type: 'string' },
      'port-offset': { type: 'string', default: '700' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(`${HELP}\n`);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const dataDir = await mkdtemp(join(tmpdir(), 'headwater-bench-'));
  const platform = await LocalPlatform.start({
    root: resolve(__dirname, '../..'),
    dataDir,
    portOffset: Number(values['port-offset']),
    progress: say,
    ...(values.profile === undefined
      ? {}
      : { nodeArgs: ['--cpu-prof', `--cpu-prof-dir=${resolve(values.profile)}`] }),
  });
  const end = async (): Promise<void> => {
    await platform.stop();
    await removePostgresData(platform.layout.postgres);
    await rm(dataDir, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void end().then(() => process.exit(1)));
  }
  const client = new OrderClient(platform.urls.api, 64);
  const approvals = new Approvals(client);
  approvals.start();
  try {
    const orders = Number(values.orders);
    say('warming up');
    await closedLoop(client, approvals, Math.min(2_000, orders), Number(values.outstanding));

    say(`${orders} orders as fast as they go, ${values.outstanding} under way`);
    const before = cpuByProcess(platform);
    const full = await closedLoop(client, approvals, orders, Number(values.outstanding));
    const after = cpuByProcess(platform);
    const rate = orders / full.seconds;
    say(`${rate.toFixed(0)} orders/s finished`);

    say(`half of that rate for ${values.seconds} s`);
    approvals.intervalMs = 15;
    const half = await openLoop(client, approvals, rate / 2, Number(values.seconds));

    const cpuMsPerOrder = Object.fromEntries(
      Object.entries(after).map(([name, seconds]) => [
        name,
        round(((seconds - (before[name] ?? 0)) * 1000) / orders),
      ]),
    );
    const result = {
      bench: 'orders',
      orders,
      outstanding: Number(values.outstanding),
      ordersPerSecond: round(rate),
      postP50Ms: round(quantile(full.posts, 0.5)),
      postP99Ms: round(quantile(full.posts, 0.99)),
      approvedP50Ms: round(quantile(full.approvals, 0.5)),
      approvedP99Ms: round(quantile(full.approvals, 0.99)),
      halfLoad: {
        ordersPerSecond: round(rate / 2),
        orders: half.approvals.length,
        postP99Ms: round(quantile(half.posts, 0.99)),
        approvedP50Ms: round(quantile(half.approvals, 0.5)),
        approvedP99Ms: round(quantile(half.approvals, 0.99)),
      },
      cpuMsPerOrder,
      node: process.version,
    };
    process.stdout.write(
      values.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, null, 2)}\n`,
    );
  } finally {
    await approvals.stop();
    await client.close();
    await end();
  }
}

interface Run {
  /** From the first POST to the last order seen as approved. */
  seconds: number;
  /** Milliseconds of each POST, and from each POST's start to the sight of `Approved`. */
  posts: number[];
  approvals: number[];
}

/** Every order as soon as another has finished. */
async function closedLoop(
  client: OrderClient,
  approvals: Approvals,
  orders: number,
  outstanding: number,
): Promise<Run> {
  const run: Run = { seconds: 0, posts: [], approvals: [] };
  let next = 0;
  const started = performance.now();
  const caller = async (): Promise<void> => {
    while (next < orders) await finishOne(client, approvals, next++, run);
  };
  await Promise.all(Array.from({ length: outstanding }, caller));
  run.seconds = (performance.now() - started) / 1000;
  return run;
}

/** Orders at a steady rate, whether those before have finished or not. */
async function openLoop(
  client: OrderClient,
  approvals: Approvals,
  rate: number,
  seconds: number,
): Promise<Run> {
  const run: Run = { seconds, posts: [], approvals: [] };
  const all: Promise<void>[] = [];
  const started = performance.now();
  for (let placed = 0; placed < rate * seconds;) {
    const due = ((performance.now() - started) / 1000) * rate;
    while (placed < due) all.push(finishOne(client, approvals, placed++, run));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await Promise.all(all);
  return run;
}

async function finishOne(client: OrderClient, approvals: Approvals, n: number, run: Run): Promise<void> {
  const since = performance.now();
  const { order_id } = await client.place(orderOf(`customer-${n % 1000}`, 500 + (n % 5000)));
  run.posts.push(performance.now() - since);
  run.approvals.push(await approvals.approved(order_id, since));
}

const round = (value: number): number => Math.round(value * 100) / 100;

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
