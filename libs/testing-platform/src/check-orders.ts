import { LOGS, RecordedEvent } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';
import { foldOrder, heldBy, OrderState } from '@headwater/order-domain';
import { compareStreamWithLog, readWholeLog, type ReachablePlatform } from './check-platform';
import { readLedger } from './ledger';
import { OrderClient } from './order-client';

export interface PlatformAccount {
  events: number;
  orders: number;
  /** Orders by status. */
  statuses: Record<string, number>;
  /** Minor units that the provider holds. */
  held: bigint;
  deadLetters: number;
}

/**
 * Takes everything into account once nothing moves any more: the log has no gap, the stream is the log, the read model is
 * the log's fold, the provider's ledger is what the orders say, and every order that was accepted is there, once.
 *
 * @param accepted ids of the orders whose POST was answered with 201
 * @param parked ids of aggregates whose events have been left out of the read model on purpose
 * @throws Error that names the first thing that is not so
 */
export async function checkOrders(
  platform: ReachablePlatform,
  accepted: Iterable<string>,
  parked: readonly string[] = [],
): Promise<PlatformAccount> {
  const { api, grpc, simulator } = platform.urls;
  const store = new EventStoreClient({ address: grpc, channels: 1 });
  const client = new OrderClient(api, 2);
  try {
    const events = await readWholeLog(store, LOGS.orders);
    const orders = foldAll(events.filter(({ aggregateId }) => !parked.includes(aggregateId)));
    for (const id of accepted)
      if (!orders.has(id)) throw new Error(`order ${id} was accepted and is not in the log`);
    await compareStreamWithLog(platform, events);
    await compareReadModel(client, orders);
    const held = compareLedger(await readLedger(simulator), orders);
    const statuses: Record<string, number> = {};
    for (const { status } of orders.values()) statuses[status] = (statuses[status] ?? 0) + 1;
    const { head: deadLetters } = await store.getLog(LOGS.deadLetters);
    return { events: events.length, orders: orders.size, statuses, held, deadLetters };
  } finally {
    await Promise.all([store.close(), client.close()]);
  }
}

type Placed = Exclude<OrderState, { status: 'None' }>;

function foldAll(events: readonly RecordedEvent[]): Map<string, Placed> {
  const histories = new Map<string, RecordedEvent[]>();
  for (const event of events) {
    const history = histories.get(event.aggregateId);
    if (history) history.push(event);
    else histories.set(event.aggregateId, [event]);
  }
  const orders = new Map<string, Placed>();
  for (const [id, history] of histories) {
    const state = foldOrder(history);
    if (state.status !== 'None') orders.set(id, state);
  }
  return orders;
}

async function compareReadModel(client: OrderClient, orders: ReadonlyMap<string, Placed>): Promise<void> {
  const seen = new Set<string>();
  for await (const row of client.all()) {
    const order = orders.get(row.order_id);
    if (!order) throw new Error(`the read model has ${row.order_id}, which the log does not have`);
    if (seen.has(row.order_id)) throw new Error(`the read model lists ${row.order_id} twice`);
    seen.add(row.order_id);
    if (row.status !== order.status || row.version !== order.version) {
      throw new Error(
        `${row.order_id} is ${row.status} (version ${row.version}) in the read model, ${order.status} (${order.version}) in the log`,
      );
    }
  }
  for (const id of orders.keys()) if (!seen.has(id)) throw new Error(`the read model does not have ${id}`);
}

function compareLedger(
  ledger: Awaited<ReturnType<typeof readLedger>>,
  orders: ReadonlyMap<string, Placed>,
): bigint {
  let held = 0n;
  const keys = new Set<string>();
  for (const [id, { order, books, status }] of orders) {
    keys.add(order.paymentKey);
    const entry = ledger.get(order.paymentKey);
    const atProvider = entry?.status === 'debited' ? BigInt(entry.amount ?? 0) : 0n;
    if (atProvider !== heldBy(books)) {
      throw new Error(
        `${id} (${status}): the provider holds ${atProvider}, the order's books say ${heldBy(books)}`,
      );
    }
    if (status === 'Approved' && atProvider !== order.amount) {
      throw new Error(`${id} is approved over ${order.amount}, and the provider holds ${atProvider}`);
    }
    held += atProvider;
  }
  for (const key of ledger.keys())
    if (!keys.has(key)) throw new Error(`the provider has payment ${key}, which is no order's`);
  return held;
}
