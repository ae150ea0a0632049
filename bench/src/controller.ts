import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findNatsServer } from '@headwater/embedded';
import { CONSUMER, STREAM } from '@headwater/jetstream-resources';
import { Informer } from '@headwater/kubernetes';
import {
  type ControllerProcess,
  type ControllerWorld,
  type Resource,
  type Resources,
  startControllerWorld,
} from '@headwater/testing-controller';
import { quantile } from './quantile';

const HELP = `npm run bench -- controller [--json] [--streams N] [--consumers N] [--drifts N] [--idle S]

A real kube-apiserver, etcd and nats-server and one controller, all on this machine. First streams alone, then streams
with consumers: how long creating the resources takes, and how long after the last create all of them are Ready. Then what
the controller costs when all is as declared, how long an edit by hand lives, and how long a replica takes to take over. Ratios within one run say more than the
numbers.

  --streams N     Stream resources (default 1000)
  --consumers N   Consumer resources, spread over the streams (default 9000)
  --drifts N      edits by hand, one after the other (default 300)
  --idle S        seconds at rest (default 30)
  --json          the result as one JSON line, last`;

const CREATORS = 32;
const root = resolve(__dirname, '../..');
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
const seconds = (from: number): number => Math.round((performance.now() - from) / 10) / 100;

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: {
      json: { type: 'boolean', default: false },
      streams: { type: 'string', default: '1000' },
      consumers: { type: 'string', default: '9000' },
      drifts: { type: 'string', default: '300' },
      idle: { type: 'string', default: '30' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(`${HELP}\n`);
  process.env['HEADWATER_NATS_SERVER'] = await findNatsServer(join(root, 'tools/nats-server'), say);
  const [streams, consumers] = [Number(values.streams), Number(values.consumers)];

  const alone = await inWorld((world) => converge(world, streams, 0));
  const whole = await inWorld(async (world) => {
    const converged = await converge(world, streams, consumers);
    return {
      ...converged,
      idle: await rest(world, converged.controller, Number(values.idle)),
      drift: await drift(world, streams, consumers, Number(values.drifts)),
      takeOver: await takeOver(world, converged.controller),
    };
  });
  const result = {
    benchmark: 'controller',
    streams,
    consumers,
    streamsAlone: alone.times,
    streamsAndConsumers: whole.times,
    idle: whole.idle,
    drift: whole.drift,
    takeOver: whole.takeOver,
  };
  say(
    `${streams} streams: Ready ${alone.times.readySeconds} s after the last create; with ${consumers} consumers: ${whole.times.readySeconds} s`,
  );
  say(
    `at rest: ${whole.idle.writes} writes in ${values.idle} s, ${whole.idle.cpuPercent} % of a core, ${whole.idle.residentMB} MB`,
  );
  say(`an edit by hand lives ${whole.drift.p50Ms} ms (p50), ${whole.drift.p99Ms} ms (p99)`);
  say(
    `a stream declared when the leader was killed is Ready after ${whole.takeOver.killedSeconds} s, one after an orderly end after ${whole.takeOver.stoppedSeconds} s`,
  );
  process.stdout.write(
    values.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, undefined, 2)}\n`,
  );
}

async function inWorld<T>(work: (world: ControllerWorld) => Promise<T>): Promise<T> {
  const world = await startControllerWorld();
  const interrupted = (): void => void world.end().then(() => process.exit(1));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  try {
    return await work(world);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, interrupted);
    await world.end();
  }
}

interface Times {
  /** From the first create to the last. */
  createSeconds: number;
  /** From the last create until everything is Ready. */
  readySeconds: number;
  /** From the first create until everything is Ready. */
  wholeSeconds: number;
  /** Processor seconds of the controller for all of it. */
  controllerCpuSeconds: number;
}

async function converge(
  world: ControllerWorld,
  streams: number,
  consumers: number,
): Promise<{ times: Times; controller: ControllerProcess }> {
  const controller = await world.start();
  const resources = await world.namespace();
  const stop = new AbortController();
  const ready = followReady(world, resources.namespace, stop.signal);
  const before = await controller.usage();
  say(`creating ${streams} streams${consumers > 0 ? ` and ${consumers} consumers` : ''}`);
  const started = performance.now();
  await inParallel(streams, (n) => createStream(resources, n));
  await inParallel(consumers, (n) => createConsumer(resources, n, streams));
  const createSeconds = seconds(started);
  const created = performance.now();
  await Promise.race([ready.until(streams + consumers), diesFirst(controller, stop.signal)]);
  const times = {
    createSeconds,
    readySeconds: seconds(created),
    wholeSeconds: seconds(started),
    controllerCpuSeconds: Math.round(((await controller.usage()).cpuSeconds - before.cpuSeconds) * 100) / 100,
  };
  stop.abort();
  return { times, controller };
}

/** Rejects when the controller ends before the signal is aborted. */
async function diesFirst(controller: ControllerProcess, signal: AbortSignal): Promise<never> {
  while (controller.running && !signal.aborted) await sleep(500);
  if (signal.aborted) return new Promise<never>(() => undefined);
  throw new Error(`the controller has ended: ${(await controller.logs()).at(-1)}`);
}

const createStream = (resources: Resources, n: number): Promise<unknown> =>
  resources.create('Stream', `stream-${n}`, { name: `S${n}`, subjects: [`s${n}.>`], maxMsgs: 1000 });

const createConsumer = (resources: Resources, n: number, streams: number): Promise<unknown> =>
  resources.create('Consumer', `consumer-${n}`, {
    streamName: `S${n % streams}`,
    durableName: `c${n}`,
    maxAckPending: 100,
  });

/** Follows what is Ready by watching, as `kubectl wait` would. */
function followReady(world: ControllerWorld, namespace: string, signal: AbortSignal) {
  const ready = new Set<string>();
  let told: () => void = () => undefined;
  for (const kind of [STREAM, CONSUMER]) {
    const informer = new Informer<Resource>({
      client: world.kube,
      type: { ...kind, namespaced: true },
      namespace,
      decode: (raw) => raw as Resource,
    });
    informer.onChange(({ key, object }) => {
      const found = object.status?.conditions?.find(({ type }) => type === 'Ready');
      if (found?.status !== 'True') return;
      ready.add(`${kind.kind} ${key}`);
      told();
    });
    void informer.run(signal);
  }
  return {
    until: (count: number): Promise<void> =>
      new Promise((done) => {
        told = () => (ready.size >= count ? done() : undefined);
        told();
      }),
  };
}

async function rest(
  world: ControllerWorld,
  controller: ControllerProcess,
  forSeconds: number,
): Promise<{ writes: number; natsWrites: number; cpuPercent: number; residentMB: number }> {
  // The first reading after so much creating finds counts to tell: of consumers, of streams.
  await untilQuiet(controller);
  const writes = async (): Promise<number> => {
    const counts = await Promise.all(
      ['PATCH', 'POST', 'DELETE'].map((method) =>
        controller.metric('rest_client_requests_total', { method }),
      ),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };
  let natsWrites = 0;
  const subscription = world.connection.subscribe('$JS.EVENT.ADVISORY.API', {
    callback: (_error, message) => {
      if (/"subject":"\$JS\.API\.(STREAM|CONSUMER)\.(CREATE|UPDATE|DELETE|DURABLE)/.test(message.string()))
        natsWrites++;
    },
  });
  say(`at rest for ${forSeconds} s`);
  const [before, used] = [await writes(), await controller.usage()];
  await sleep(forSeconds * 1000);
  const after = await controller.usage();
  subscription.unsubscribe();
  return {
    writes: (await writes()) - before,
    natsWrites,
    cpuPercent: Math.round(((after.cpuSeconds - used.cpuSeconds) / forSeconds) * 1000) / 10,
    residentMB: Math.round(after.residentBytes / 1e6),
  };
}

async function untilQuiet(controller: ControllerProcess): Promise<void> {
  const patches = (): Promise<number> => controller.metric('rest_client_requests_total', { method: 'PATCH' });
  for (let before = -1; ;) {
    const now = await patches();
    if (now === before) return;
    before = now;
    await sleep(15_000);
  }
}

async function drift(
  { jetstream }: ControllerWorld,
  streams: number,
  consumers: number,
  count: number,
): Promise<{ count: number; p50Ms: number; p99Ms: number; mostMs: number }> {
  say(`${count} edits by hand`);
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const stream = `S${n % streams}`;
    const edited =
      n % 2 === 0 || consumers === 0
        ? await editStream(jetstream, stream)
        : await editConsumer(jetstream, stream, `c${n % streams}`);
    const started = performance.now();
    while (!(await edited())) await sleep(1);
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const ms = (share: number): number => Math.round(quantile(times, share) * 10) / 10;
  return { count, p50Ms: ms(0.5), p99Ms: ms(0.99), mostMs: ms(1) };
}

/** From the end of a leader until a Stream that is declared at that moment is Ready by a second controller. */
async function takeOver(
  world: ControllerWorld,
  leader: ControllerProcess,
): Promise<{ killedSeconds: number; stoppedSeconds: number }> {
  const resources = await world.namespace();
  const timed = async (name: string, end: () => Promise<unknown>): Promise<number> => {
    const ended = end();
    const started = performance.now();
    await resources.create('Stream', name, { name });
    await resources.untilReady('Stream', name);
    await ended;
    return seconds(started);
  };
  const second = await world.start();
  const killedSeconds = await timed('after-kill', () => leader.kill());
  await world.start();
  return { killedSeconds, stoppedSeconds: await timed('after-stop', () => second.stop()) };
}

/** Changes one field; resolves to what asks whether it is back. */
async function editStream(
  jetstream: ControllerWorld['jetstream'],
  name: string,
): Promise<() => Promise<boolean>> {
  const info = await jetstream.streamInfo(name);
  await jetstream.writeStream(name, { ...info?.config, max_msgs: 7 }, 'update');
  return async () => (await jetstream.streamInfo(name))?.config['max_msgs'] === 1000;
}

async function editConsumer(
  jetstream: ControllerWorld['jetstream'],
  stream: string,
  name: string,
): Promise<() => Promise<boolean>> {
  const info = await jetstream.consumerInfo(stream, name);
  await jetstream.writeConsumer(stream, name, { ...info?.config, max_ack_pending: 7 }, 'update');
  return async () => (await jetstream.consumerInfo(stream, name))?.config['max_ack_pending'] === 100;
}

async function inParallel(count: number, work: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: CREATORS }, async () => {
      for (let n = next++; n < count; n = next++) await work(n);
    }),
  );
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
});
