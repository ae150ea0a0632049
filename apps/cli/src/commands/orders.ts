import { readFileSync } from 'node:fs';
import { ApiClient, OrderJson } from '../api-client';
import { CommandFailed } from '../command-failed';
import { print, table } from '../table';

/** The order that `headwater up` and `orders create` place when they are given none. */
export const exampleOrder = (customer: string): unknown => ({
  customer_id: customer,
  restaurant_id: 'restaurant-1',
  currency: 'EUR',
  order_items: [
    { code: 'P-12', name: 'Pizza Margherita', unit_price: '9.50', quantity: 2 },
    { code: 'W-01', name: 'Water', unit_price: '2.20', quantity: 1 },
  ],
});

/** Statuses in which this order's story is over, or waits for a person. */
const SETTLED = new Set(['Approved', 'Cancelled', 'NeedsAttention']);

export interface CreateOptions {
  api: string;
  file?: string;
  customer: string;
  key?: string;
  wait?: boolean;
  json?: boolean;
}

export async function createOrder(options: CreateOptions): Promise<void> {
  const client = new ApiClient(options.api);
  const body = options.file === undefined ? exampleOrder(options.customer) : readBody(options.file);
  let order = await client.placeOrder(body, options.key);
  if (options.wait) order = await waitUntilSettled(client, order);
  print(options.json ? JSON.stringify(order) : describe(order));
}

/** Waits until the order has ended, at most `timeoutMs`. */
export async function waitUntilSettled(
  client: ApiClient,
  placed: OrderJson,
  timeoutMs = 60_000,
): Promise<OrderJson> {
  let order = await client.getOrder(placed.order_id, placed.position);
  for (const deadline = Date.now() + timeoutMs; !SETTLED.has(order.status);) {
    if (Date.now() > deadline) {
      throw new CommandFailed(
        `order ${order.order_id} is still ${order.status} after ${timeoutMs / 1000} s; see headwater lag`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    order = await client.getOrder(placed.order_id);
  }
  return order;
}

function readBody(file: string): unknown {
  const name = file === '-' ? 'standard input' : file;
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw new CommandFailed(`${name} can't be read`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandFailed(
      `${name} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
  }
}

export async function cancelOrder(
  id: string,
  options: { api: string; reason: string; wait?: boolean },
): Promise<void> {
  const client = new ApiClient(options.api);
  const { status, version } = await client.cancelOrder(id, options.reason);
  if (!options.wait) return print(`order ${id} is ${status} (version ${version}); the coordinator ends it`);
  print(describe(await waitUntilSettled(client, await client.getOrder(id))));
}

export async function getOrder(id: string, options: { api: string; json?: boolean }): Promise<void> {
  const order = await new ApiClient(options.api).getOrder(id);
  print(options.json ? JSON.stringify(order) : describe(order));
}

export async function listOrders(options: {
  api: string;
  customer?: string;
  status?: string;
  limit: number;
  json?: boolean;
}): Promise<void> {
  const { orders } = await new ApiClient(options.api).listOrders({
    ...(options.customer === undefined ? {} : { customer_id: options.customer }),
    ...(options.status === undefined ? {} : { status: options.status }),
    limit: String(options.limit),
  });
  if (options.json) return print(JSON.stringify(orders));
  if (orders.length === 0) return print('no orders');
  print(
    table(
      ['ORDER', 'CUSTOMER', 'STATUS', 'AMOUNT', 'VERSION', 'CREATED'],
      orders.map((o) => [
        o.order_id,
        o.customer_id,
        o.status,
        `${o.amount} ${o.currency}`,
        o.version,
        o.created_on,
      ]),
    ),
  );
}

const describe = (order: OrderJson): string =>
  [
    `order     ${order.order_id}`,
    `customer  ${order.customer_id}`,
    `status    ${order.status}${order.reason === undefined ? '' : ` (${order.reason})`}`,
    `amount    ${order.amount} ${order.currency}`,
    `version   ${order.version}, log position ${order.position}`,
    `created   ${order.created_on}`,
  ].join('\n');
