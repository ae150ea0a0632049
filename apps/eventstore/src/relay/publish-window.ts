import { createInbox, Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { EncodedHeaders, encodeHeaderBlock, RelayedEvent } from './encode-message';

export interface PublishWindowOptions {
  nats: NatsConnection;
  log: string;
  /** Prefix of the inboxes that this connection's user may read. */
  inboxPrefix: string | undefined;
  /** Position that is known to be in the stream. */
  from: number;
  /** Messages in flight at most. 256 measured best: smaller waits for the broker, larger gains nothing. */
  size?: number;
  /** Without any answer for so long, the broker counts as away. */
  answerTimeoutMs?: number;
  /** Is told when the contiguous position moves. */
  onAcked?: (position: number) => void;
  /** Is told once, when the window has ended. */
  onTrouble?: () => void;
  /** Nothing more is to be published: whoever waits for room is let go. */
  signal?: AbortSignal;
}

/**
 * Publishes consecutive events, many in flight, and keeps the highest position below which every event is acknowledged.
 * Answers come to one subscription with the position as last token, so a message costs no promise and no timer.
 *
 * Anything but a clean acknowledgement is `trouble` and ends the window for good: then only the stream is believed.
 */
export class PublishWindow {
  private readonly size: number;
  private readonly answered: Uint8Array;
  private readonly inbox: string;
  private readonly subscription: Subscription;
  private readonly watch: NodeJS.Timeout;
  private readonly headers = new EncodedHeaders();
  private contiguous: number;
  private published: number;
  /** Answers of any kind that are still to come. */
  private outstanding = 0;
  private progressAt = 0;
  private problem: string | undefined;
  private waiting: (() => void) | undefined;

  constructor(private readonly options: PublishWindowOptions) {
    this.size = options.size ?? 256;
    this.answered = new Uint8Array(this.size);
    this.contiguous = options.from;
    this.published = options.from;
    this.inbox = createInbox(options.inboxPrefix);
    this.subscription = options.nats.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => {
        if (error) this.fail(`the inbox of the relay's answers can't be read: ${error.message}`);
        else this.answer(message);
      },
    });
    const timeoutMs = options.answerTimeoutMs ?? 5000;
    // One clock for the window instead of one timer a message.
    this.watch = setInterval(() => {
      if (this.outstanding > 0 && performance.now() - this.progressAt > timeoutMs)
        this.fail(`JetStream has not answered for ${timeoutMs / 1000} s`);
    }, timeoutMs / 4);
    options.signal?.addEventListener('abort', this.changed);
  }

  /** Highest position below and at which everything is acknowledged. */
  get acked(): number {
    return this.contiguous;
  }

  /** Position of the last event handed in. */
  get last(): number {
    return this.published;
  }

  get trouble(): string | undefined {
    return this.problem;
  }

  get full(): boolean {
    return this.published - this.contiguous >= this.size;
  }

  /** Sends the event that follows the last one; there must be room. */
  publish(subject: string, relayed: RelayedEvent): void {
    const { position } = relayed.event;
    if (position !== this.published + 1) {
      throw new RangeError(`position ${position} of ${this.options.log} does not follow ${this.published}`);
    }
    this.published = position;
    this.answered[position % this.size] = 0;
    if (this.outstanding === 0) this.progressAt = performance.now();
    this.outstanding++;
    this.headers.block = encodeHeaderBlock(relayed);
    try {
      this.options.nats.publish(subject, relayed.event.data, {
        headers: this.headers,
        reply: `${this.inbox}.${position}`,
      });
    } catch (error) {
      this.outstanding--;
      this.fail(
        `position ${position} can't be published: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  /** Resolves when there is room for another event, on trouble, and when nothing more is to be published. */
  async room(): Promise<void> {
    while (this.full && this.problem === undefined && !this.options.signal?.aborted) await this.change();
  }

  /** Resolves when every answer has come, or after the time, in milliseconds. */
  async settled(withinMs: number): Promise<void> {
    // The timer itself is the end, not a clock that it makes one look at: timers fire up to a millisecond early.
    let over = false;
    const timer = setTimeout(() => {
      over = true;
      this.changed();
    }, withinMs);
    while (this.outstanding > 0 && !over) await this.change();
    clearTimeout(timer);
  }

  /** Ends it for a reason that is seen elsewhere, such as a lost connection. */
  fail(reason: string): void {
    if (this.problem !== undefined) return;
    this.problem = reason;
    this.options.onTrouble?.();
    this.changed();
  }

  close(): void {
    clearInterval(this.watch);
    this.options.signal?.removeEventListener('abort', this.changed);
    this.subscription.unsubscribe();
    this.fail('the relay has stopped');
  }

  private answer(message: Msg): void {
    const position = Number(message.subject.slice(this.inbox.length + 1));
    this.outstanding--;
    this.progressAt = performance.now();
    const problem = problemOf(message, this.options.log, position);
    if (problem !== undefined) {
      this.fail(problem);
      return;
    }
    this.answered[position % this.size] = 1;
    const before = this.contiguous;
    while (this.contiguous < this.published && this.answered[(this.contiguous + 1) % this.size] === 1) {
      this.contiguous++;
      this.answered[this.contiguous % this.size] = 0;
    }
    if (this.contiguous > before) this.options.onAcked?.(this.contiguous);
    this.changed();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  private readonly changed = (): void => {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.();
  };
}

interface PubAck {
  stream?: string;
  seq?: number;
  duplicate?: boolean;
  error?: { err_code?: number; description?: string };
}

/** What is wrong with the answer to a position; undefined when it is a clean acknowledgement. */
function problemOf(message: Msg, log: string, position: number): string | undefined {
  if (message.headers?.code === 503) return `no stream takes the events of ${log}`;
  let ack: PubAck;
  try {
    ack = message.json<PubAck>();
  } catch {
    return `the answer to position ${position} of ${log} can't be read`;
  }
  if (ack.error)
    return `position ${position} of ${log} was refused: ${ack.error.description} (${ack.error.err_code})`;
  if (ack.stream !== log) return `position ${position} of ${log} went to the stream ${ack.stream}`;
  if (ack.duplicate) return `position ${position} of ${log} was taken for a repetition`;
  if (ack.seq !== position) return `position ${position} of ${log} became sequence ${ack.seq}`;
  return undefined;
}
