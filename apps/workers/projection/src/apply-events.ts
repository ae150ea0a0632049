import type { Pool } from 'pg';
import { ORDER_EVENTS, RecordedEvent } from '@headwater/contracts';
import {
  ACTIVE,
  advanceCheckpoint,
  loadOrders,
  lockCheckpoint,
  OrderRow,
  OrderTable,
  saveOrders,
} from '@headwater/order-read-model';
import { inTransaction } from '@headwater/sql';
import { PoisonEvent, project } from './project';
import { RowCache } from './row-cache';

export interface ApplyOptions {
  pool: Pool;
  cache: RowCache;
  /** Of the lease; a newer holder's refuses the transaction. */
  epoch: number;
  defaultCurrency: string;
  /** The version that is written; the active one unless told otherwise. */
  of?: OrderTable;
}

export interface ApplyResult {
  /** The new checkpoint. */
  checkpoint: number;
  /** The event at `checkpoint + 1`, when it can't be applied. */
  poison?: PoisonEvent;
}

/**
 * Applies the events after the checkpoint: rows and checkpoint in one transaction, one row an order however many of its
 * events are among them. What comes before a poison event is applied.
 *
 * @param events position checkpoint + 1, checkpoint + 2, … without a gap
 * @throws CheckpointLost, or whatever SQL failed with; the cache is empty then
 */
export async function applyEvents(
  checkpoint: number,
  events: readonly RecordedEvent[],
  { pool, cache, epoch, defaultCurrency, of = ACTIVE }: ApplyOptions,
): Promise<ApplyResult> {
  try {
    const { changed, ...result } = await inTransaction(
      pool,
      async (client) => {
        // The batch's own rows, out of the cache's reach: what is loaded for one order must not push out another's.
        const rows = new Map<string, OrderRow>();
        const unknown = new Set<string>();
        for (const event of events) {
          const cached = cache.get(event.aggregateId);
          if (cached) rows.set(event.aggregateId, cached);
          else if (!isFirst(event)) unknown.add(event.aggregateId);
        }
        for (const row of await loadOrders(client, [...unknown], of)) rows.set(row.orderId, row);

        const changed = new Map<string, OrderRow>();
        let reached = checkpoint;
        let poison: PoisonEvent | undefined;
        for (const event of events) {
          try {
            const before = changed.get(event.aggregateId) ?? rows.get(event.aggregateId);
            changed.set(event.aggregateId, project(before, event, defaultCurrency));
          } catch (error) {
            if (!(error instanceof PoisonEvent)) throw error;
            poison = error;
            break;
          }
          reached = event.position;
        }
        await saveOrders(client, [...changed.values()], of);
        // Also when nothing moved: a stale checkpoint makes good events look like poison.
        await advanceCheckpoint(client, checkpoint, reached, epoch, of);
        return { changed, checkpoint: reached, ...(poison ? { poison } : {}) };
      },
      { opening: lockCheckpoint(of) },
    );
    // Only what is committed: a transaction that is run again must not meet its own first attempt.
    for (const row of changed.values()) cache.put(row);
    return result;
  } catch (error) {
    // Another replica may have written since.
    cache.clear();
    throw error;
  }
}

/** The first event of an order has no row yet, so there is nothing to load for it. */
const isFirst = (event: RecordedEvent): boolean =>
  event.eventType === ORDER_EVENTS.created.type && event.version === 1;
