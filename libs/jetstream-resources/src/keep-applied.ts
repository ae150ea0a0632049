import type { NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { Applied, apply, ApplyOptions, Memory } from './apply';
import { Manifest } from './manifest';

export interface KeepAppliedOptions extends ApplyOptions {
  signal: AbortSignal;
  /** Is told after every pass that changed something, and when what is refused or missing has changed. */
  onChange?: (applied: readonly Applied[]) => void;
  /** Is told when a pass failed as a whole, for example because the server is away. The next pass comes by itself. */
  onError?: (error: unknown) => void;
  /** Milliseconds between passes that nothing has caused. */
  intervalMs?: number;
}

/** Milliseconds to wait after a pass that failed as a whole, doubled up to the interval. */
const FIRST_RETRY_MS = 100;

/** API requests that change a stream or consumer; those that only read are announced too, ours among them. */
const CHANGES =
  /^\$JS\.API\.(STREAM\.(CREATE|UPDATE|DELETE|RESTORE|PURGE)|CONSUMER\.(CREATE|DURABLE|DELETE|RESET|PAUSE))\b/;
const audit = z.looseObject({ subject: z.string() });

/**
 * Keeps the server equal to the manifests until the signal: at once, on reconnect, when JetStream announces a change,
 * and every few seconds. Resolves after the last pass.
 */
export async function keepApplied(
  connection: NatsConnection,
  manifests: readonly Manifest[],
  { signal, onChange, onError, intervalMs = 5000, timeoutMs = 2000, ...options }: KeepAppliedOptions,
): Promise<void> {
  const wake = new Wake();
  const memory: Memory = new Map();
  const subscriptions = [
    connection.subscribe('$JS.EVENT.ADVISORY.STREAM.>', { callback: () => wake.up() }),
    connection.subscribe('$JS.EVENT.ADVISORY.CONSUMER.*.>', {
      callback: (_error, message) => {
        if (/\.CONSUMER\.(CREATED|DELETED)\./.test(message.subject)) wake.up();
      },
    }),
    // Edits of consumers announce themselves only here.
    connection.subscribe('$JS.EVENT.ADVISORY.API', {
      callback: (_error, message) => {
        const parsed = readable(() => audit.safeParse(message.json()));
        if (parsed?.success && CHANGES.test(parsed.data.subject)) wake.up();
      },
    }),
  ];
  const stop = (): void => wake.up();
  signal.addEventListener('abort', stop);
  void wakeOnReconnect(connection, wake, signal);
  let told = '';
  let retryMs = FIRST_RETRY_MS;
  try {
    while (!signal.aborted) {
      try {
        const applied = await apply(connection, manifests, { ...options, timeoutMs, memory });
        const troubles = JSON.stringify(
          applied.filter(({ outcome }) => ['refused', 'waiting', 'missing', 'observed'].includes(outcome)),
        );
        if (
          troubles !== told ||
          applied.some(({ outcome }) => outcome === 'created' || outcome === 'updated')
        ) {
          onChange?.(applied);
        }
        told = troubles;
        retryMs = FIRST_RETRY_MS;
        if (!signal.aborted) await wake.within(intervalMs);
      } catch (failure) {
        if (signal.aborted) break;
        onError?.(failure);
        await wake.within(retryMs);
        retryMs = Math.min(retryMs * 2, intervalMs);
      }
    }
  } finally {
    signal.removeEventListener('abort', stop);
    for (const subscription of subscriptions) subscription.unsubscribe();
  }
}

async function wakeOnReconnect(connection: NatsConnection, wake: Wake, signal: AbortSignal): Promise<void> {
  for await (const { type } of connection.status()) {
    if (signal.aborted) return;
    if (type === 'reconnect') wake.up();
  }
}

/** Undefined where a message can't be read. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Remembers that something has happened, so that nothing is missed between two waits. */
class Wake {
  private happened = false;
  private resume: (() => void) | undefined;

  up(): void {
    this.happened = true;
    this.resume?.();
  }

  async within(ms: number): Promise<void> {
    if (!this.happened) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.resume = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.happened = false;
    this.resume = undefined;
  }
}
