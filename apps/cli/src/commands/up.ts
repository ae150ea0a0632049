import { LocalPlatform } from '@headwater/local-platform';
import { ApiClient } from '../api-client';
import { CommandFailed } from '../command-failed';
import { ROOT } from '../root';
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
  const interrupted = firstSignal();
  const starting = LocalPlatform.start({
    root: ROOT,
    dataDir: options.dataDir,
    portOffset: options.portOffset,
    progress: (line) => print(`· ${line}`),
  });
  // A signal during the start is obeyed when the start can be taken back in order.
  const platform = await starting;
  try {
    await showOneOrder(platform.urls.api);
    if (options.once) return;
    const { api, docs, nats, grpc, simulator } = platform.urls;
    print(`
order API          ${api}/api/orders
API documentation  ${docs}
event store        ${grpc} (gRPC)
NATS               ${nats}
payment simulator  ${simulator}
logs               ${platform.layout.logs}

Try:  npx headwater orders create --wait      npx headwater lag
      npx headwater orders ls                 npx headwater trace ORDER
Ctrl-C ends it; the data stays in ${platform.layout.dataDir}.`);
    await interrupted;
    print('\n· stopping');
  } finally {
    await platform.stop();
  }
}

async function showOneOrder(apiUrl: string): Promise<void> {
  const client = new ApiClient(apiUrl);
  print('· placing an order');
  const placed = await client.placeOrder(exampleOrder('customer-1'));
  const order = await waitUntilSettled(client, placed);
  print(`\norder ${order.order_id} over ${order.amount} ${order.currency} is ${order.status}\n`);
  print(timeline(await client.events(order.order_id)));
  if (order.status !== 'Approved')
    throw new CommandFailed(`the order should be Approved and is ${order.status}`);
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve);
  });
}
