import type { Pool } from 'pg';
import { readCheckpoint } from '@headwater/order-read-model';

interface Waiter {
  position: number;
  settle: (reached: boolean) => void;
  fail: (error: unknown) => void;
}

/** How often the checkpoint is read while anybody waits. */
const POLL_MS = 15;

/** Lets callers wait until the read model has a position. One poll serves all of them, and none runs while nobody waits. */
export class PositionGate {
  private readonly waiters = new Set<Waiter>();
  private polling = false;
  private checkpoint = 0;

  constructor(private readonly pool: Pool) {}

  /** @returns false when the time is over first */
  async reached(position: number, timeoutMs: number): Promise<boolean> {
    if (this.checkpoint >= position) return true;
    return new Promise<boolean>((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
      };
      const waiter: Waiter = {
        position,
        settle: (reached) => {
          leave();
          resolve(reached);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      const timer = setTimeout(() => waiter.settle(false), timeoutMs);
      this.waiters.add(waiter);
      void this.poll();
    });
  }

  private async poll(): Promise<void> {
    if (this.polling) return;
    this.polling = true;
    while (this.waiters.size > 0) {
      try {
        ({ checkpoint: this.checkpoint } = await readCheckpoint(this.pool));
        for (const waiter of this.waiters) if (waiter.position <= this.checkpoint) waiter.settle(true);
      } catch (error) {
        for (const waiter of this.waiters) waiter.fail(error);
      }
      if (this.waiters.size > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    this.polling = false;
  }
}
