import { setTimeout as sleep } from 'node:timers/promises';
import { LOGS } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';
import { portsWithOffset, Replicas } from '@headwater/local-platform';
import { accountForOrders, Fault, PlatformAccount } from '../check-orders';
import { readWholeLog } from '../check-platform';
import { OrderClient } from '../order-client';
import { freeOffset, startTestPlatform, TestPlatform } from '../start-platform';
import { Links } from './links';
import { Load } from './load';
import { Recoveries, RecoveryTimes } from './recovery';
import { describeStrike, kindOf, planRounds, Round } from './schedule';
import { Striker } from './striker';
import { checkTimers, Span, TimerReport } from './timers';

export interface ChaosOptions {
  seed: number;
  /** Over which the strikes are spread; it takes longer where the platform takes longer to recover. */
  minutes: number;
  /** SIGKILLs; pauses and cuts come on top. */
  kills: number;
  ordersPerSecond: number;
  /** Longest pause or cut, in milliseconds. */
  longestMs: number;
  /** Told of every strike and step. */
  say: (line: string) => void;
  /** Ends it early, with whatever it has started. */
  signal?: AbortSignal;
}

export interface ChaosReport {
  seed: number;
  seconds: number;
  /** Strikes by kind. */
  strikes: Record<string, number>;
  kills: number;
  account: PlatformAccount | undefined;
  /** Accepted orders that are gone; orders that nobody placed; orders whose money is not as they say. */
  lost: number;
  doubled: number;
  halfPaid: number;
  /** Milliseconds from all that was struck being back to an order, placed then, being approved. */
  recovery: Record<string, RecoveryTimes>;
  /** How the coordinator met its deadlines. */
  timers: TimerReport | undefined;
  /** Everything that is not as it should be; empty after a good run. */
  faults: string[];
}

const REPLICAS: Replicas = { payment: 2, review: 2, projection: 2, coordinator: 2 };

/** Deadlines are short, so that they are met, and the provider is of the hostile kind. */
const ENV = {
  HEADWATER_DEADLINE_PAYMENT_SECONDS: '8',
  HEADWATER_DEADLINE_REVIEW_SECONDS: '8',
  HEADWATER_DEADLINE_VOID_SECONDS: '1',
  HEADWATER_DEADLINE_VOID_MOST_SECONDS: '4',
  HEADWATER_VOID_ATTEMPTS: '30',
  HEADWATER_PAYMENT_TIMEOUT_MS: '1000',
  HEADWATER_ERROR_RATE: '0.02',
  HEADWATER_TIMEOUT_RATE: '0.01',
};

/** Not "too slow" but "never": the order that is placed when what was struck is back has ended after so long. */
const RECOVERED_MS = 240_000;
/** Time for everything to come to rest. */
const SETTLED_MS = 120_000;

/** Strikes a platform under load as the seed says, lets it come to rest, and takes everything into account. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { say } = options;
  const portOffset = await freeOffset();
  const links = await Links.open(portsWithOffset(portOffset), REPLICAS);
  let started: TestPlatform | undefined;
  let failed = true;
  try {
    const endedByThemselves: string[] = [];
    started = await startTestPlatform({
      portOffset,
      replicas: REPLICAS,
      route: links.route,
      env: ENV,
      ...(options.signal ? { signal: options.signal } : {}),
      progress: (line) => {
        if (crashed(line)) endedByThemselves.push(line);
      },
    });
    const report = await strikeAndSettle(started, links, options);
    for (const line of endedByThemselves) report.faults.push(`a process did not survive: ${line}`);
    failed = report.faults.length > 0;
    return report;
  } finally {
    links.thawAll();
    if (started) {
      if (failed) say(`its data and logs are left in ${started.platform.layout.dataDir}`);
      await started.end({ keepData: failed });
    }
    await links.close();
  }
}

/** An app that ended by itself. PostgreSQL may: it waits for the sessions of its killed predecessor. */
const crashed = (line: string): boolean =>
  / ended \(/.test(line) && !line.includes('(SIGKILL)') && !line.startsWith('postgres ');

async function strikeAndSettle(
  { platform }: TestPlatform,
  links: Links,
  options: ChaosOptions,
): Promise<ChaosReport> {
  const { seed, kills, minutes, longestMs, ordersPerSecond, say, signal } = options;
  const rounds = planRounds({
    seed,
    kills,
    lengthMs: minutes * 60_000,
    longestMs,
    processes: platform.processNames(),
    links: links.all,
  });
  const load = new Load(platform.urls.api, seed);
  const striker = new Striker(platform, links);
  const recoveries = new Recoveries();
  const strikes: Record<string, number> = {};
  const faults: string[] = [];
  const disturbed: Span[] = [];
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;
  const tell = (line: string): void => say(`${(elapsed() / 1000).toFixed(1).padStart(6)} s  ${line}`);
  try {
    load.start(ordersPerSecond);
    for (const round of rounds) {
      await sleep(Math.max(0, round.at - elapsed()), undefined, signal ? { signal } : {});
      for (const strike of round.strikes) strikes[kindOf(strike)] = (strikes[kindOf(strike)] ?? 0) + 1;
      const from = Date.now();
      await strikeOnce(round, striker, load, recoveries, tell).catch((error: unknown) => {
        const fault = `after ${round.strikes.map(describeStrike).join(' and ')}: ${messageOf(error)}`;
        tell(`WRONG ${fault}`);
        faults.push(fault);
      });
      // What follows at once has not been waited for: the disturbance goes on into the next.
      disturbed.push({ from, until: Date.now() + (round.hasty ? 2_000 : 0) });
    }
    striker.relent();
    await load.stop().catch((error: unknown) => faults.push(describeCause(error)));
    tell(`${load.accepted.size} orders were accepted; waiting until nothing moves`);
    await platform.ready();
    const { account, orderFaults, restFaults } = await settle(platform, load);
    faults.push(...orderFaults.map(({ kind, what }) => `${kind}: ${what}`), ...restFaults);
    const timers = await timersOf(platform, disturbed, faults);
    const count = (kind: Fault['kind']): number => orderFaults.filter((fault) => fault.kind === kind).length;
    return {
      seed,
      seconds: Math.round(elapsed() / 1000),
      strikes,
      kills,
      account,
      lost: count('lost'),
      doubled: count('doubled'),
      halfPaid: count('half-paid'),
      recovery: recoveries.summary(),
      timers,
      faults,
    };
  } finally {
    striker.relent();
    await load.stop().catch(() => undefined);
    await load.close();
  }
}

async function timersOf(
  { urls }: TestPlatform['platform'],
  disturbed: readonly Span[],
  faults: string[],
): Promise<TimerReport | undefined> {
  const store = new EventStoreClient({ address: urls.grpc, channels: 1 });
  try {
    const { timers, faults: found } = checkTimers(await readWholeLog(store, LOGS.orders), disturbed);
    faults.push(...found);
    return timers;
  } catch (error) {
    faults.push(`the timers could not be looked at: ${messageOf(error)}`);
    return undefined;
  } finally {
    await store.close();
  }
}

async function strikeOnce(
  { strikes, hasty }: Round,
  striker: Striker,
  load: Load,
  recoveries: Recoveries,
  tell: (line: string) => void,
): Promise<void> {
  const what = strikes.map(describeStrike).join(' and ');
  const struck = performance.now();
  await Promise.all(strikes.map((strike) => striker.strike(strike)));
  const back = performance.now();
  if (hasty) return tell(`${what}; on at once`);
  await load.probe(RECOVERED_MS);
  const ms = performance.now() - back;
  const [first] = strikes;
  recoveries.add(first && strikes.length === 1 ? kindOf(first) : 'two at once', ms);
  tell(`${what}; back after ${(back - struck).toFixed(0)} ms, at work ${ms.toFixed(0)} ms later`);
}

/** Takes the account again and again until there is nothing wrong with it, or time is over. */
async function settle(
  platform: TestPlatform['platform'],
  load: Load,
): Promise<{ account: PlatformAccount | undefined; orderFaults: Fault[]; restFaults: string[] }> {
  const client = new OrderClient(platform.urls.api, 1);
  try {
    for (const deadline = Date.now() + SETTLED_MS; ; await sleep(500)) {
      const over = Date.now() > deadline;
      if (!over && (await anyUnderWay(client))) continue;
      try {
        const { account, faults } = await accountForOrders(platform, load.accepted.values(), {
          exactly: true,
        });
        const restFaults = faultsAtRest(account, load);
        if (over || faults.length + restFaults.length === 0)
          return { account, orderFaults: faults, restFaults };
      } catch (error) {
        if (over)
          return { account: undefined, orderFaults: [], restFaults: [`no account: ${messageOf(error)}`] };
      }
    }
  } finally {
    await client.close();
  }
}

const UNDER_WAY = [
  'Pending',
  'PaymentDebited',
  'Declined',
  'Rejected',
  'Cancelling',
  'Voiding',
  'NeedsAttention',
];

async function anyUnderWay(client: OrderClient): Promise<boolean> {
  try {
    for (const status of UNDER_WAY)
      if ((await client.list({ status, limit: '1' })).orders.length > 0) return true;
    return false;
  } catch {
    return true;
  }
}

function faultsAtRest({ statuses, deadLetters }: PlatformAccount, load: Load): string[] {
  const faults: string[] = [];
  for (const status of UNDER_WAY)
    if (statuses[status]) faults.push(`unfinished: ${statuses[status]} orders are ${status}`);
  // Nothing that happens here is an event's own fault.
  if (deadLetters > 0) faults.push(`dead letters: ${deadLetters}, and none of them is accounted for`);
  const distinct = new Set(load.accepted.values()).size;
  if (distinct !== load.accepted.size)
    faults.push(`${load.accepted.size} POSTs were answered with ${distinct} orders`);
  return faults;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const describeCause = (error: unknown): string =>
  error instanceof Error && error.cause !== undefined
    ? `${error.message}: ${messageOf(error.cause)}`
    : messageOf(error);
