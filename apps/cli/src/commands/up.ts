import { LocalPlatform, StartInterrupted } from '@headwater/local-platform';
import { ApiClient } from '../api-client';
import { CommandFailed } from '../command-failed';
import { Interruption, watchInterruption } from '../interruption';
import { ROOT } from '../root';
import { reportFailure } from '../report-failure';
import { print } from '../table';
import { exampleOrder, waitUntilSettled } from './orders';
import { timeline } from './trace';

export interface UpOptions {
  dataDir: string;
  portOffset: number;
  once?: boolean;
}

/** Runs everything, shows one order's way to `Approved`, and stays up until a signal; with `once` it ends then. */
export async function up(options: UpOptions): Promise<void> {
  const interruption = watchInterruption();
  const platform = await start(options, interruption.signal);
  try {
    const shown = await Promise.race([
      showOneOrder(platform.urls.api, interruption.signal).then(() => true),
      interruption.first.then(() => false),
    ]).catch((error: unknown) => {
      // What is up can be looked at and mended; with --once nobody is there to do so.
      if (options.once) throw error;
      reportFailure(error);
      return true;
    });
    if (!shown) throw new CommandFailed('interrupted before the order was approved; everything is ended');
    if (options.once) return;
    print(whereThingsAre(platform));
    await interruption.first;
  } finally {
    await stop(platform, interruption);
  }
}

async function start(options: UpOptions, signal: AbortSignal): Promise<LocalPlatform> {
  signal.addEventListener('abort', () => print('\n· stopping'), { once: true });
  try {
    return await LocalPlatform.start({
      root: ROOT,
      dataDir: options.dataDir,
      portOffset: options.portOffset,
      progress: (line) => print(`· ${line}`),
      signal,
    });
  } catch (error) {
    if (!(error instanceof StartInterrupted)) throw error;
    throw new CommandFailed('interrupted before everything was up; what had been started is ended', {
      cause: error,
    });
  }
}

/** In order, unless somebody can't wait for that. */
async function stop(platform: LocalPlatform, { signal, second }: Interruption): Promise<void> {
  void second.then(() => {
    print('· ending everything at once');
    return platform.kill();
  });
  await platform.stop();
  if (signal.aborted) print('· everything has ended');
}

async function showOneOrder(apiUrl: string, signal: AbortSignal): Promise<void> {
  const client = new ApiClient(apiUrl, signal);
  print('· placing an order');
  const placed = await client.placeOrder(exampleOrder('customer-1'));
  const order = await waitUntilSettled(client, placed);
  print(`\norder ${order.order_id} over ${order.amount} ${order.currency} is ${order.status}\n`);
  print(timeline(await client.events(order.order_id)));
  if (order.status !== 'Approved')
    throw new CommandFailed(`the order should be Approved and is ${order.status}`);
}

const whereThingsAre = ({ urls, layout }: LocalPlatform): string => `
order API          ${urls.api}/api/orders
API documentation  ${urls.docs}
event store        ${urls.grpc} (gRPC)
NATS               ${urls.nats}
payment simulator  ${urls.simulator}
logs               ${layout.logs}

Try, in another terminal:
  npx headwater orders create --wait      npx headwater lag
  npx headwater orders ls                 npx headwater trace ORDER
Ctrl-C ends it; the data stays in ${layout.dataDir}.`;
