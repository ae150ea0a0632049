import type { Pool } from 'pg';
import { ORDER_EVENTS, RecordedEvent } from '@headwater/contracts';
import { advanceCheckpoint, loadOrders, OrderRow, saveOrders } from '@headwater/order-read-model';
import { inTransaction } from '@headwater/sql';
import { PoisonEvent, project } from './project';
import { RowCache } from './row-cache';

export interface ApplyOptions {
  pool: Pool;
  cache: RowCache;
  /** Of the lease; a newer holder's refuses the transaction. */
  epoch: number;
  defaultCurrency: string;
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
  { pool, cache, epoch, defaultCurrency }: ApplyOptions,
): Promise<ApplyResult> {
  try {
    return await inTransaction(pool, async (client) => {
      const unknown = new Set(
        events.filter((event) => isUnknown(event, cache)).map(({ aggregateId }) => aggregateId),
      );
      for (const row of await loadOrders(client, [...unknown])) cache.put(row);

      const changed = new Map<string, OrderRow>();
      let reached = checkpoint;
      let poison: PoisonEvent | undefined;
      for (const event of events) {
        try {
          const before = changed.get(event.aggregateId) ?? cache.get(event.aggregateId);
          changed.set(event.aggregateId, project(before, event, defaultCurrency));
        } catch (error) {
          if (!(error instanceof PoisonEvent)) throw error;
          poison = error;
          break;
        }
        reached = event.position;
      }
      await saveOrders(client, [...changed.values()]);
      // Also when nothing moved: a stale checkpoint makes good events look like poison.
      await advanceCheckpoint(client, checkpoint, reached, epoch);
      for (const row of changed.values()) cache.put(row);
      return { checkpoint: reached, ...(poison ? { poison } : {}) };
    });
  } catch (error) {
    // What was put there may not have been committed.
    cache.clear();
    throw error;
  }
}

/** The first event of an order has no row yet, so there is nothing to load for it. */
const isUnknown = (event: RecordedEvent, cache: RowCache): boolean =>
  !cache.has(event.aggregateId) && !(event.eventType === ORDER_EVENTS.created.type && event.version === 1);
