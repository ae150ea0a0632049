import { parseArgs } from 'node:util';
import { runChaos } from '@headwater/testing-platform';

const HELP = `npm run chaos -- [--minutes M] [--seed S] [--kills N] [--rate R] [--longest MS] [--json]

Runs every process of the platform on this machine, two replicas of each worker and of the coordinator, places orders all
the time, and meanwhile kills (SIGKILL), pauses (SIGSTOP) and cuts off whatever the seed draws: apps, nats-server,
PostgreSQL, and the ways between them. JetStream's store is wiped once. Then everything has to come to rest, and every order
that was accepted, every amount at the payment provider, the log, the stream and the read model are compared.

  --minutes M   time over which the strikes are spread (default 5); it takes longer where recovery takes longer
  --kills N     SIGKILLs (default 20 a minute); pauses and cuts come on top, 30 for every 100 kills each
  --seed S      what is struck, and when (default: drawn)
  --rate R      orders a second (default 20)
  --longest MS  longest pause or cut in milliseconds (default 8000, more than every lease and ack wait)
  --json        the result as one JSON line, last

Ends with 0 when nothing was lost, doubled or half-paid and everything else agrees; else with 1, and says how to repeat it.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: {
      minutes: { type: 'string', default: '5' },
      kills: { type: 'string' },
      seed: { type: 'string' },
      rate: { type: 'string', default: '20' },
      longest: { type: 'string', default: '8000' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(`${HELP}\n`);
  const minutes = positive('minutes', values.minutes);
  const options = {
    minutes,
    kills: Math.max(1, Math.round(positive('kills', values.kills ?? String(20 * minutes)))),
    seed: positive('seed', values.seed ?? String(1 + Math.floor(Math.random() * 1_000_000))),
    ordersPerSecond: positive('rate', values.rate),
    longestMs: positive('longest', values.longest),
  };
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const repeat =
    `npm run chaos -- --minutes ${minutes} --kills ${options.kills} --seed ${options.seed}` +
    ` --rate ${options.ordersPerSecond} --longest ${options.longestMs}`;
  say(repeat);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const report = await runChaos({ ...options, say, signal: stop.signal }).catch((error: unknown) => {
    say(`to repeat it: ${repeat}`);
    throw error;
  });
  if (report.faults.length > 0) {
    for (const fault of report.faults) say(`WRONG: ${fault}`);
    say(`to repeat it: ${repeat}`);
    process.exitCode = 1;
  }
  const written = (_name: string, value: unknown): unknown =>
    typeof value === 'bigint' ? value.toString() : value;
  process.stdout.write(`${JSON.stringify(report, written, values.json ? undefined : 2)}\n`);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not ${text}`);
  return value;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
