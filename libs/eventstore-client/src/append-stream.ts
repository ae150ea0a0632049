import { Client, ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { AppendResult, STORE_REASONS } from '@headwater/contracts';
import { AppendStreamRequest, AppendStreamResponse, eventStoreV1, faultOf } from '@headwater/eventstore-api';
import { errorOf, EventStoreUnavailable, Overloaded } from './errors';
import { resultOf, SizedRequest } from './wire';

type Call = ClientDuplexStream<AppendStreamRequest, AppendStreamResponse>;

interface Pending extends SizedRequest {
  resolve: (result: AppendResult) => void;
  reject: (error: unknown) => void;
  /** `performance.now()` after which nobody waits any more. */
  deadline: number;
  settled: boolean;
}

/** Messages on the wire at a time: what comes meanwhile is collected into the next, which the store commits together. */
const MESSAGES_IN_FLIGHT = 3;
const APPENDS_PER_MESSAGE = 512;
const BYTES_PER_MESSAGE = 2 * 1024 * 1024;
const WAITING_AT_MOST = 20_000;
const SWEEP_MS = 100;
const RECONNECT_FIRST_MS = 50;
const RECONNECT_MOST_MS = 2_000;

/**
 * Appends over one bidirectional stream that is opened again for ever. What had no answer when a stream was lost may or
 * may not be stored; it is sent again, and the store recognises it by its event ids.
 */
export class AppendStream {
  private call: Call | undefined;
  private connected = false;
  private closed = false;
  private blocked = false;
  private flushing = false;
  private failures = 0;
  private reconnect: NodeJS.Timeout | undefined;
  private sweeper: NodeJS.Timeout | undefined;
  private waiting: Pending[] = [];
  private inFlight: Pending[][] = [];
  /** The store's database was away; they are sent again after a while. */
  private postponed: Pending[] = [];
  private postponing: NodeJS.Timeout | undefined;
  private idle: (() => void)[] = [];
  private lastFailure: unknown;

  constructor(
    private readonly client: Client,
    private readonly onState: (up: boolean, reason?: string) => void,
  ) {}

  get up(): boolean {
    return this.connected;
  }

  append(request: SizedRequest, deadlineMs: number, signal?: AbortSignal): Promise<AppendResult> {
    if (this.closed) return Promise.reject(new EventStoreUnavailable('the event store client is closed'));
    if (this.waiting.length >= WAITING_AT_MOST) {
      return Promise.reject(new Overloaded(`${this.waiting.length} appends wait for the event store`, 250));
    }
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const pending: Pending = {
        ...request,
        resolve,
        reject,
        deadline: performance.now() + deadlineMs,
        settled: false,
      };
      if (signal) abandonOn(signal, pending);
      this.waiting.push(pending);
      this.sweeper ??= setInterval(() => this.sweep(), SWEEP_MS);
      this.open();
      this.flushSoon();
    });
  }

  /** Opens the stream unless it is open, being opened, or waits to be opened again. */
  open(): void {
    if (this.call || this.reconnect || this.closed) return;
    const { path, requestSerialize, responseDeserialize } = eventStoreV1.AppendStream;
    const call = this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    this.call = call;
    call.on('metadata', () => this.established(call));
    call.on('data', (response: AppendStreamResponse) => this.answered(call, response));
    call.on('drain', () => {
      this.blocked = false;
      this.flush();
    });
    call.on('error', (error: ServiceError) => this.lost(call, error));
    call.on('end', () => this.lost(call, new Error('the event store ended the stream')));
    this.flushSoon();
  }

  /** Resolves when everything handed in has been answered or given up. */
  async close(): Promise<void> {
    this.closed = true;
    if (this.pendingCount() > 0 && !this.reconnect)
      await new Promise<void>((resolve) => this.idle.push(resolve));
    clearTimeout(this.reconnect);
    clearTimeout(this.postponing);
    clearInterval(this.sweeper);
    for (const pending of [...this.waiting, ...this.postponed])
      settle(pending, () => pending.reject(new EventStoreUnavailable('the event store client is closed')));
    const { call } = this;
    this.call = undefined;
    call?.end();
    call?.cancel();
  }

  private pendingCount(): number {
    return this.waiting.length + this.inFlight.length + this.postponed.length;
  }

  /** Once per turn of the event loop, so that everything appended in one turn goes in one message. */
  private flushSoon(): void {
    if (this.flushing) return;
    this.flushing = true;
    setImmediate(() => {
      this.flushing = false;
      this.flush();
    });
  }

  private flush(): void {
    while (
      this.call &&
      !this.blocked &&
      this.waiting.length > 0 &&
      this.inFlight.length < MESSAGES_IN_FLIGHT
    ) {
      const message = this.nextMessage();
      if (message.length === 0) break;
      this.inFlight.push(message);
      this.blocked = !this.call.write({ appends: message.map(({ request }) => request) });
    }
    if (this.pendingCount() === 0) this.settledAll();
  }

  private nextMessage(): Pending[] {
    const message: Pending[] = [];
    let bytes = 0;
    let taken = 0;
    for (const pending of this.waiting) {
      if (!pending.settled) {
        if (message.length >= APPENDS_PER_MESSAGE) break;
        if (message.length > 0 && bytes + pending.bytes > BYTES_PER_MESSAGE) break;
        bytes += pending.bytes;
        message.push(pending);
      }
      taken++;
    }
    this.waiting.splice(0, taken);
    return message;
  }

  private established(call: Call): void {
    if (call !== this.call) return;
    this.failures = 0;
    if (!this.connected) {
      this.connected = true;
      this.onState(true);
    }
  }

  private answered(call: Call, { outcomes }: AppendStreamResponse): void {
    if (call !== this.call) return;
    this.established(call);
    const message = this.inFlight.shift();
    if (message?.length !== outcomes.length) {
      this.inFlight.unshift(message ?? []);
      return this.lost(call, new Error('the event store answered another number of appends than were sent'));
    }
    const again: Pending[] = [];
    outcomes.forEach(({ appended, refused }, index) => {
      const pending = message[index];
      if (!pending || pending.settled) return;
      if (appended) return settle(pending, () => pending.resolve(resultOf(appended)));
      const fault = refused && faultOf(refused);
      if (fault?.reason === STORE_REASONS.unavailable) {
        this.lastFailure = errorOf(fault);
        again.push(pending);
        return;
      }
      settle(pending, () =>
        pending.reject(
          fault ? errorOf(fault) : new EventStoreUnavailable('the event store gave an empty answer'),
        ),
      );
    });
    if (again.length > 0) this.postpone(again);
    this.flush();
  }

  private postpone(again: Pending[]): void {
    this.postponed.push(...again);
    this.postponing ??= setTimeout(
      () => {
        this.postponing = undefined;
        this.waiting.unshift(...this.postponed.splice(0));
        this.flush();
      },
      50 + Math.random() * 150,
    );
  }

  private lost(call: Call, error: Error): void {
    if (call !== this.call) return;
    this.call = undefined;
    this.blocked = false;
    this.lastFailure = error;
    call.cancel();
    this.waiting.unshift(...this.inFlight.flat().filter(({ settled }) => !settled));
    this.inFlight = [];
    if (this.connected) {
      this.connected = false;
      this.onState(false, error.message);
    } else if (this.failures === 0) this.onState(false, error.message);
    if (this.closed) return this.settledAll();
    const most = Math.min(RECONNECT_MOST_MS, RECONNECT_FIRST_MS * 2 ** this.failures++);
    this.reconnect = setTimeout(
      () => {
        this.reconnect = undefined;
        this.open();
      },
      most / 2 + (Math.random() * most) / 2,
    );
  }

  private sweep(): void {
    const now = performance.now();
    const expire = (pending: Pending): void => {
      if (pending.settled || pending.deadline > now) return;
      settle(pending, () =>
        pending.reject(
          new EventStoreUnavailable('the event store did not answer in time; the append may have happened', {
            cause: this.lastFailure,
          }),
        ),
      );
    };
    for (const message of this.inFlight) message.forEach(expire);
    for (const pending of [...this.waiting, ...this.postponed]) expire(pending);
    this.waiting = this.waiting.filter(({ settled }) => !settled);
    this.postponed = this.postponed.filter(({ settled }) => !settled);
    if (this.pendingCount() === 0) this.settledAll();
  }

  private settledAll(): void {
    clearInterval(this.sweeper);
    this.sweeper = undefined;
    for (const resolve of this.idle.splice(0)) resolve();
  }
}

function settle(pending: Pending, how: () => void): void {
  if (pending.settled) return;
  pending.settled = true;
  how();
}

function abandonOn(signal: AbortSignal, pending: Pending): void {
  const abandon = (): void => settle(pending, () => pending.reject(signal.reason));
  signal.addEventListener('abort', abandon, { once: true });
  const { resolve, reject } = pending;
  pending.resolve = (result) => {
    signal.removeEventListener('abort', abandon);
    resolve(result);
  };
  pending.reject = (error) => {
    signal.removeEventListener('abort', abandon);
    reject(error);
  };
}
