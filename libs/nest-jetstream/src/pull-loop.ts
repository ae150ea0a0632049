import { jetStream } from '@headwater/contracts';
import { createInbox, Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { pullStatus } from './pull-status';
import { delayAfter } from './retry-policy';

export interface PullOptions {
  stream: string;
  consumer: string;
  /** Messages per request. */
  batch: number;
  /** Bytes per request; at least twice the broker's largest message, or that one would never come. */
  maxBytes: number;
  /** Requests under way at once, so that one is being filled while another is asked for. */
  requests: number;
  /** Life of a request without messages. */
  expiresMs: number;
  /** Of the connection's user, whose permissions cover no other inbox. */
  inboxPrefix?: string | undefined;
  /** How often the broker says that a request is still known to it; two missed ones end it. */
  heartbeatMs: number;
}

export const DEFAULT_PULL = {
  batch: 256,
  maxBytes: 4 * 1024 * 1024,
  requests: 2,
  expiresMs: 30_000,
  heartbeatMs: 2_500,
} as const;

const LEAST_BYTES = 2 * 1024 * 1024;
/** A broker that is away will not confirm a drain. */
const DRAIN_MS = 1_000;
const REATTACH = { firstDelayMs: 100, maxDelayMs: 1_500 };

export interface PullHooks {
  /**
   * Looks the consumer up and prepares for its messages; throws a reason when there is nothing to pull from. The signal
   * aborts when the connection is lost: nothing that was asked is answered then.
   */
  bind(signal: AbortSignal): Promise<void>;
  /** One message and its ack subject, in the order of the stream. */
  deliver(message: Msg, reply: string): void;
  /** How many more messages may be held. */
  room(): number;
  attached(): void;
  detached(reason: string): void;
}

/** One request under way, with the inbox its answers come to. */
class Slot {
  outstanding = 0;
  request = 0;
  aliveAt = 0;
  constructor(
    readonly inbox: string,
    readonly subscription: Subscription,
  ) {}
}

/**
 * Pulls from a declared consumer for ever, with bounds on messages and on bytes (which the client's own `consume` does
 * not take together). Whatever happens to the connection, the consumer or its leader, it looks the consumer up again,
 * with backoff, and goes on.
 */
export class PullLoop {
  private slots: Slot[] = [];
  private state: 'stopped' | 'binding' | 'attached' = 'stopped';
  private bindingNow: AbortController | undefined;
  private connected = true;
  private paused = false;
  private failures = 0;
  private bindTimer: NodeJS.Timeout | undefined;
  private watch: NodeJS.Timeout | undefined;
  private readonly bounds: { expires: number; idle_heartbeat: number; max_bytes: number };
  /** Set once; its loop over connection events ends when the connection does. */
  private following = false;

  constructor(
    private readonly connection: NatsConnection,
    private readonly options: PullOptions,
    private readonly hooks: PullHooks,
  ) {
    this.bounds = {
      expires: options.expiresMs * 1e6,
      idle_heartbeat: options.heartbeatMs * 1e6,
      max_bytes: Math.max(options.maxBytes, LEAST_BYTES),
    };
  }

  start(): void {
    if (this.state !== 'stopped') return;
    this.state = 'binding';
    if (!this.following) void this.followConnection();
    this.watch = setInterval(() => this.checkHeartbeats(), this.options.heartbeatMs);
    this.watch.unref();
    this.tryToBind();
  }

  /** Asks for no more; what has been asked for still comes. */
  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.pull();
  }

  /** Ends pulling; resolves when the messages that were on their way have been delivered, or can no longer come. */
  async stop(): Promise<void> {
    this.state = 'stopped';
    clearTimeout(this.bindTimer);
    clearInterval(this.watch);
    const slots = this.slots;
    this.slots = [];
    if (this.connection.isClosed()) return;
    // Drained rather than dropped: what is on its way can be given back at once instead of after the ack wait.
    let overdue: NodeJS.Timeout | undefined;
    await Promise.race([
      Promise.all(slots.map(({ subscription }) => subscription.drain().catch(() => undefined))),
      new Promise((resolve) => (overdue = setTimeout(resolve, DRAIN_MS))),
    ]);
    clearTimeout(overdue);
  }

  /** Issues requests for which there is room; called whenever room may have appeared. */
  pull(): void {
    if (this.state !== 'attached' || this.paused) return;
    let room = this.hooks.room();
    for (const slot of this.slots) room -= slot.outstanding;
    for (const [index, slot] of this.slots.entries()) {
      // Small requests cost as much as large ones, so each waits until half a batch fits.
      if (slot.outstanding > 0 || room < this.options.batch / 2) continue;
      // The broker fills waiting requests in turn; the first ones differ in size so that they do not all end together.
      const share = slot.request === 0 ? (index + 1) / this.slots.length : 1;
      const batch = Math.max(1, Math.floor(Math.min(this.options.batch * share, room)));
      room -= batch;
      this.request(slot, batch);
    }
  }

  private request(slot: Slot, batch: number): void {
    if (this.connection.isClosed() || this.connection.isDraining()) return;
    slot.request++;
    slot.outstanding = batch;
    slot.aliveAt = Date.now();
    this.connection.publish(
      jetStream.next(this.options.stream, this.options.consumer),
      JSON.stringify({ batch, ...this.bounds }),
      { reply: `${slot.inbox}.${slot.request}` },
    );
  }

  /** Inboxes outlive a detachment: what an older request still brings is taken, not lost until its ack wait is over. */
  private openSlots(): void {
    if (this.slots.length > 0) return;
    const prefix = this.options.inboxPrefix;
    this.slots = Array.from({ length: this.options.requests }, () => {
      const inbox = createInbox(prefix);
      const subscription = this.connection.subscribe(`${inbox}.*`, {
        callback: (error, message) => {
          if (!error) return this.receive(slot, message);
          this.dropSlots();
          this.detach(`the inbox can't be read: ${error.message}`);
        },
      });
      // Nothing arrives before this turn of the event loop is over, so the callback always finds it.
      const slot: Slot = new Slot(inbox, subscription);
      return slot;
    });
  }

  private dropSlots(): void {
    for (const { subscription } of this.slots) subscription.unsubscribe();
    this.slots = [];
  }

  private receive(slot: Slot, message: Msg): void {
    slot.aliveAt = Date.now();
    const { reply } = message;
    if (reply?.startsWith('$JS.ACK.')) {
      if (slot.outstanding > 0) slot.outstanding--;
      this.hooks.deliver(message, reply);
      if (slot.outstanding === 0) this.pull();
      return;
    }
    const status = pullStatus(message.headers?.code ?? 0, message.headers?.description ?? '');
    switch (status.kind) {
      case 'alive':
        // Asks for an answer only where flow control is on, which pull consumers do not have.
        return;
      case 'over':
        // A late answer to a request that is over already says nothing about the present one.
        if (!message.subject.endsWith(`.${slot.request}`)) return;
        slot.outstanding = 0;
        return this.pull();
      case 'detached':
        return this.detach(status.reason);
    }
  }

  private checkHeartbeats(): void {
    if (this.state !== 'attached') return;
    const overdue = Date.now() - 2 * this.options.heartbeatMs - 250;
    if (this.slots.some((slot) => slot.outstanding > 0 && slot.aliveAt < overdue)) {
      this.detach('the broker has gone silent on a pull');
    }
    // The fallback that suffices alone, should a call of `pull` be missed.
    this.pull();
  }

  private detach(reason: string): void {
    if (this.state !== 'attached') return;
    this.state = 'binding';
    for (const slot of this.slots) slot.outstanding = 0;
    this.hooks.detached(reason);
    this.bindLater();
  }

  private bindLater(): void {
    clearTimeout(this.bindTimer);
    this.bindTimer = setTimeout(() => this.tryToBind(), delayAfter(++this.failures, REATTACH));
  }

  private tryToBind(): void {
    void this.bindOnce();
  }

  private async bindOnce(): Promise<void> {
    // Requests made without a connection are not sent later; the reconnection binds.
    if (this.bindingNow || !this.connected) return;
    this.bindingNow = new AbortController();
    try {
      await this.hooks.bind(this.bindingNow.signal);
      this.bindingNow = undefined;
    } catch (error) {
      this.bindingNow = undefined;
      if (this.state !== 'binding') return;
      this.hooks.detached(error instanceof Error ? error.message : String(error));
      this.bindLater();
      return;
    }
    if (this.state !== 'binding') return;
    this.state = 'attached';
    this.openSlots();
    this.hooks.attached();
    this.pull();
    // Only a consumer that stays attached is trusted; one that detaches at once is met with growing delays.
    clearTimeout(this.bindTimer);
    this.bindTimer = setTimeout(() => (this.failures = 0), REATTACH.maxDelayMs);
    this.bindTimer.unref();
  }

  /** Requests die with the connection, whatever the heartbeats would say later. */
  private async followConnection(): Promise<void> {
    this.following = true;
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect') {
        this.connected = false;
        this.bindingNow?.abort();
        this.detach('the connection to NATS is lost');
      }
      if (status.type === 'reconnect') {
        this.connected = true;
        this.detach('the connection to NATS was lost');
        this.failures = 0;
        clearTimeout(this.bindTimer);
        if (this.state === 'binding') this.tryToBind();
      }
    }
  }
}
