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
 * What may be wrong with orders at rest: an accepted order that is not in the log; one in the log that nobody was told of;
 * money at the provider that is not what the order says; a log with gaps, a stream that is not the log, a read model that
 * is not the log's fold.
 */
export type FaultKind = 'lost' | 'doubled' | 'half-paid' | 'log' | 'stream' | 'read model';

export interface Fault {
  kind: FaultKind;
  /** One sentence with the ids. */
  what: string;
}

export interface AccountOptions {
  /** Aggregates whose events have been left out of the read model on purpose. */
  parked?: readonly string[];
  /** Every order was placed by the caller, who has had an answer to each, so that there may be no others. */
  exactly?: boolean;
}

/**
 * Takes everything into account once nothing moves any more: the log has no gap, the stream is the log, the read model is
 * the log's fold, the provider's ledger is what the orders say, and every order that was accepted is there, once.
 *
 * @param accepted ids of the orders whose POST was answered with 201
 * @returns the account, and everything that is not so
 */
export async function accountForOrders(
  platform: ReachablePlatform,
  accepted: Iterable<string>,
  { parked = [], exactly = false }: AccountOptions = {},
): Promise<{ account: PlatformAccount; faults: Fault[] }> {
  const { api, grpc, simulator } = platform.urls;
  const store = new EventStoreClient({ address: grpc, channels: 1 });
  const client = new OrderClient(api, 2);
  const faults: Fault[] = [];
  const check = async (kind: FaultKind, checks: () => Promise<void>): Promise<void> => {
    try {
      await checks();
    } catch (error) {
      faults.push({ kind, what: error instanceof Error ? error.message : String(error) });
    }
  };
  try {
    let events: RecordedEvent[] = [];
    await check('log', async () => void (events = await readWholeLog(store, LOGS.orders)));
    const orders = foldAll(events.filter(({ aggregateId }) => !parked.includes(aggregateId)));
    const known = new Set(accepted);
    for (const id of known)
      if (!orders.has(id))
        faults.push({ kind: 'lost', what: `order ${id} was accepted and is not in the log` });
    if (exactly) {
      for (const id of orders.keys())
        if (!known.has(id)) faults.push({ kind: 'doubled', what: `order ${id} is in the log and no POST's` });
    }
    await check('stream', () => compareStreamWithLog(platform, events));
    await check('read model', () => compareReadModel(client, orders));
    const { held, wrong } = compareLedger(await readLedger(simulator), orders);
    for (const what of wrong) faults.push({ kind: 'half-paid', what });
    const statuses: Record<string, number> = {};
    for (const { status } of orders.values()) statuses[status] = (statuses[status] ?? 0) + 1;
    const { head: deadLetters } = await store.getLog(LOGS.deadLetters);
    return { account: { events: events.length, orders: orders.size, statuses, held, deadLetters }, faults };
  } finally {
    await Promise.all([store.close(), client.close()]);
  }
}

/**
 * The account of orders at rest, as `accountForOrders` takes it.
 *
 * @throws Error that names the first thing that is not as it should be
 */
export async function checkOrders(
  platform: ReachablePlatform,
  accepted: Iterable<string>,
  parked: readonly string[] = [],
): Promise<PlatformAccount> {
  const { account, faults } = await accountForOrders(platform, accepted, { parked });
  if (faults[0]) throw new Error(faults[0].what);
  return account;
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
): { held: bigint; wrong: string[] } {
  const wrong: string[] = [];
  let held = 0n;
  const keys = new Set<string>();
  for (const [id, { order, books, status }] of orders) {
    keys.add(order.paymentKey);
    const entry = ledger.get(order.paymentKey);
    const atProvider = entry?.status === 'debited' ? BigInt(entry.amount ?? 0) : 0n;
    if (atProvider !== heldBy(books))
      wrong.push(
        `${id} (${status}): the provider holds ${atProvider}, the order's books say ${heldBy(books)}`,
      );
    else if (status === 'Approved' && atProvider !== order.amount)
      wrong.push(`${id} is approved over ${order.amount}, and the provider holds ${atProvider}`);
    // What a person has settled is settled, whatever the provider says.
    else if (status === 'Cancelled' && atProvider !== 0n && books.resolution === undefined)
      wrong.push(`${id} is cancelled, and the provider holds ${atProvider}`);
    held += atProvider;
  }
  for (const key of ledger.keys())
    if (!keys.has(key)) wrong.push(`the provider has payment ${key}, which is no order's`);
  return { held, wrong };
}
