import type { ServerResponse } from 'node:http';
import { LOGS, ORDER_EVENTS, RecordedEvent } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';
import { viewOfEvent } from './order-view';
import { OrderWatchers } from './order-watchers';

/** So often an open connection shows that it is alive, for proxies and clients that give up on silence. */
export const HEARTBEAT_MS = 15_000;

const FINAL = new Set<string>([ORDER_EVENTS.approved.type, ORDER_EVENTS.cancelled.type]);

/** One server-sent event: its id is the version, so that `Last-Event-ID` says where to go on. */
const frame = (event: RecordedEvent): string =>
  `id: ${event.version}\nevent: ${event.eventType}\ndata: ${JSON.stringify(viewOfEvent(event))}\n\n`;

export interface Watch {
  /** Events of the order that the client does not have yet, oldest first; read after `join`. */
  history: RecordedEvent[];
  /** Sends them and what follows, until the order has ended or the client has gone. */
  serve(response: ServerResponse): Promise<void>;
  leave(): void;
  /** The order has ended, and the client knows all of it. */
  over: boolean;
}

/**
 * Opens a watch of an order behind `after`, the version that the client has.
 *
 * @returns undefined when there is no such order
 * @throws errors of the event store client
 */
export async function watchOrder(
  store: Pick<EventStoreClient, 'readAggregate'>,
  watchers: OrderWatchers,
  orderId: string,
  after: number,
  heartbeatMs = HEARTBEAT_MS,
): Promise<Watch | undefined> {
  const live: RecordedEvent[] = [];
  let ended = false;
  let wake: (() => void) | undefined;
  const end = (): void => {
    ended = true;
    wake?.();
  };
  const leave = await watchers.join(
    orderId,
    (event) => {
      live.push(event);
      wake?.();
    },
    end,
  );
  try {
    const whole = await store.readAggregate(LOGS.orders, orderId);
    if (whole.length === 0) {
      leave();
      return undefined;
    }
    const history = whole.filter(({ version }) => version > after);
    const over = history.length === 0 && whole.some(({ eventType }) => FINAL.has(eventType));
    const serve = async (response: ServerResponse): Promise<void> => {
      const drained = (): void => wake?.();
      response.on('close', end).on('drain', drained).on('error', end);
      const heartbeat = setInterval(() => {
        if (!response.writableNeedDrain) response.write(': still here\n\n');
      }, heartbeatMs);
      try {
        response.write('retry: 1000\n\n');
        let sent = after;
        const queue = history;
        for (; !ended;) {
          // What the client does not take is kept here and not in the socket; an order's history is short.
          if (!response.writableNeedDrain) {
            const event = queue.shift() ?? live.shift();
            if (event) {
              if (event.version <= sent) continue;
              response.write(frame(event));
              sent = event.version;
              if (FINAL.has(event.eventType)) break;
              continue;
            }
          }
          await new Promise<void>((resolve) => (wake = resolve));
          wake = undefined;
        }
      } finally {
        clearInterval(heartbeat);
        leave();
        response.end();
      }
    };
    return { history, serve, leave, over };
  } catch (error) {
    leave();
    throw error;
  }
}
