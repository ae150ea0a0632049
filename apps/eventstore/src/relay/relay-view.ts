import { RelayMetrics, RelayState } from './relay-state';

/** What a relay writes its own log lines to; pino's loggers fit. */
export interface RelayLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The relay's state as it changes, told once per change that matters; positions move silently between samples. */
export class RelayView {
  private current: RelayState;

  constructor(
    log: string,
    private readonly logger: RelayLogger,
    private readonly metrics: RelayMetrics | undefined,
    private readonly onState: ((state: RelayState) => void) | undefined,
  ) {
    this.current = { log, relayed: 0, head: 0, lagSeconds: 0, holder: false };
  }

  get state(): RelayState {
    return this.current;
  }

  acknowledged(position: number): void {
    this.metrics?.published(this.current.log, position - this.current.relayed);
    this.current.relayed = position;
    if (position >= this.current.head) this.current.lagSeconds = 0;
  }

  committed(head: number): void {
    if (head > this.current.head) this.current.head = head;
  }

  compared(result: string): void {
    this.metrics?.compared(this.current.log, result);
  }

  sampled(
    numbers: Pick<RelayState, 'relayed' | 'head' | 'lagSeconds'> & { halted?: string | undefined },
  ): void {
    const { relayed, head, lagSeconds, halted } = numbers;
    this.current = { ...this.current, relayed, head, lagSeconds };
    // Who does not hold the lease shows what the holder has recorded.
    if (!this.current.holder) this.current = withReason(this.current, 'halted', halted);
    this.tell();
  }

  working(relayed: number, head: number): void {
    const stopped = this.current.halted ?? this.current.waiting;
    if (stopped !== undefined) this.logger.info({ log: this.current.log, relayed }, 'the relay works again');
    const { log, lagSeconds, holder } = this.current;
    this.current = { log, lagSeconds, holder, relayed, head };
    this.tell();
  }

  holds(holder: boolean): void {
    this.current = { ...this.current, holder };
    this.tell();
  }

  waiting(reason: string | undefined): void {
    if (reason !== undefined && this.current.waiting === undefined)
      this.logger.warn({ log: this.current.log, reason }, 'the relay waits');
    this.current = withReason(this.current, 'waiting', reason);
    this.tell();
  }

  halted(reason: string): void {
    if (this.current.halted !== reason)
      this.logger.error({ log: this.current.log, reason }, 'the relay has stopped and needs somebody to act');
    this.current = withReason(withReason(this.current, 'waiting', undefined), 'halted', reason);
    this.tell();
  }

  private tell(): void {
    this.metrics?.observe(this.current);
    this.onState?.({ ...this.current });
  }
}

function withReason(state: RelayState, kind: 'halted' | 'waiting', reason: string | undefined): RelayState {
  const { [kind]: _gone, ...rest } = state;
  return reason === undefined ? rest : { ...rest, [kind]: reason };
}
