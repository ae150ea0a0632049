import { Pool } from 'pg';
import { Lease } from '@headwater/sql';
import { saveRelayed } from '@headwater/eventstore';

export interface CheckpointOptions {
  pool: Pool;
  lease: Lease;
  /** Milliseconds between writes at least. */
  everyMs?: number;
  /** The lease has gone to another relay. */
  onLost: () => void;
  /** A write failed; it is tried again. */
  onError: (error: unknown) => void;
}

/**
 * Writes the relay's position, at most every so often, whatever the number of messages. It may lag: a relay that starts
 * compares with the stream anyway, and the checkpoint only says from where.
 */
export class Checkpoint {
  private target: number;
  private saved: number;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly options: CheckpointOptions,
    from: number,
  ) {
    this.target = from;
    this.saved = from;
  }

  advance(position: number): void {
    this.target = position;
    this.timer ??= setTimeout(() => void this.write(), this.options.everyMs ?? 50);
  }

  /** Writes what is not written yet, and waits for it. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    await this.writing;
    await this.write();
    clearTimeout(this.timer);
  }

  private async write(): Promise<void> {
    this.writing = this.save();
    await this.writing;
    this.writing = undefined;
    this.timer = undefined;
    if (this.target !== this.saved && !this.options.pool.ended) this.advance(this.target);
  }

  private async save(): Promise<void> {
    const { target } = this;
    if (target === this.saved) return;
    try {
      if (!(await saveRelayed(this.options.pool, this.options.lease, target))) this.options.onLost();
      this.saved = target;
    } catch (error) {
      this.options.onError(error);
    }
  }
}
