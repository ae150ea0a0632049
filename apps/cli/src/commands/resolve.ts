import { encodeOrderEvent, LOGS } from '@headwater/contracts';
import { adviceOn, appendDecided, EventStoreClient } from '@headwater/eventstore-client';
import { decide, foldOrder } from '@headwater/order-domain';
import { CommandFailed } from '../command-failed';
import { print } from '../table';

export interface ResolveOptions {
  eventstore: string;
  voided?: boolean;
  writtenOff?: boolean;
  reason: string;
  by: string;
}

/** Records how a person has settled the money of an order that needed attention; the coordinator then ends the order. */
export async function resolveOrder(orderId: string, options: ResolveOptions): Promise<void> {
  if ((options.voided === true) === (options.writtenOff === true))
    throw new CommandFailed('say how it was settled: either --voided or --written-off');
  const outcome = options.voided ? 'voided' : 'written-off';
  const { reason, by } = options;
  if (reason.trim() === '' || by.trim() === '')
    throw new CommandFailed('--reason and --by are recorded and can not be empty');
  const store = new EventStoreClient({ address: options.eventstore, channels: 1, appendDeadlineMs: 5_000 });
  try {
    const resolved = await appendDecided(store, { log: LOGS.orders, aggregateId: orderId }, (history) => {
      const order = foldOrder(history);
      const cause = history.at(-1);
      if (order.status === 'None' || !cause) throw new CommandFailed(`there is no order ${orderId}`);
      const decision = decide(order, { type: 'resolve', outcome, reason, by });
      if ('refused' in decision) throw new CommandFailed(decision.refused.message);
      const [event] = decision.accepted;
      if (!event) throw new Error('a resolution is decided by one event');
      const { schemaVersion, ...encoded } = encodeOrderEvent(event);
      const correlationId = history[0]?.eventId ?? cause.eventId;
      const metadata = { correlationId, causationId: cause.eventId, schemaVersion };
      return { cause, event: { ...encoded, metadata } };
    });
    if (!resolved)
      throw new CommandFailed(`somebody else has resolved order ${orderId} just now; look at its trace`);
    print(`order ${orderId} is resolved as ${outcome} by ${by} (version ${resolved.version}): ${reason}`);
    print('the coordinator ends it as Cancelled');
  } catch (error) {
    if (adviceOn(error) !== 'wait') throw error;
    throw new CommandFailed(
      `the event store at ${options.eventstore} can not serve now: ${(error as Error).message}`,
      { cause: error },
    );
  } finally {
    await store.close();
  }
}
