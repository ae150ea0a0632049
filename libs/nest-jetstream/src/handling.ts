import { setMaxListeners } from 'node:events';
import { ParkedDeadLetter } from '@headwater/contracts';
import { AggregateOrder } from './aggregate-order';
import { parkedOf } from './dead-letter';
import { Delivery } from './delivery';
import { DependencyGate, GateClosed, Pass } from './dependency-gate';
import { describeError, Verdict } from './errors';
import { HeldMessage, hold, RecentlySettled } from './held-message';
import { afterFailure, isCrashLoop, RetryPolicy } from './retry-policy';
import { Settlement } from './settle';

export interface HandlingOptions {
  stream: string;
  consumer: string;
  /** Handlers at once. */
  concurrency: number;
  /** Messages held at once, handled or waiting. */
  capacity: number;
  retry: RetryPolicy;
}

export interface HandlingHooks {
  /** Handles one event; resolves once its effect is durable. `signal` aborts when a shutdown can't wait any longer. */
  handle(delivery: Delivery, attempt: number, signal: AbortSignal): Promise<void>;
  /** Stores a dead letter; resolves once it is durable. */
  park(parked: ParkedDeadLetter): Promise<void>;
  /** For workers that ask for order: later events of an aggregate wait behind its dead letters. */
  behind?: {
    /** Whether this aggregate has dead letters that have not ended, as far as is known at once. */
    blocks(aggregateId: string): boolean;
    /** Stores a dead letter behind others; false when there are none any more. */
    park(parked: ParkedDeadLetter): Promise<boolean>;
  };
  verdict(error: unknown): Verdict;
  /** A message has been settled, so there is room for another. */
  settled(): void;
  gateChanged(closed: GateClosed | undefined): void;
}

/** What is counted and reported, by the names of metrics.ts. */
export interface HandlingObserver {
  handled(type: string, seconds: number): void;
  failed(verdict: Verdict['kind'], error: unknown, delivery: Delivery, attempt: number): void;
  parked(parked: ParkedDeadLetter): void;
  redelivered(): void;
}

/**
 * From delivery to outcome. A message is acked after its handler has resolved; a failing one is tried again here, with
 * backoff, while the later ones of its aggregate wait behind it; when that is enough it is parked as a dead letter and
 * then terminated. A dependency that is away stops everything and counts against nothing.
 */
export class Handling {
  private readonly held = new Map<number, HeldMessage>();
  private readonly order = new AggregateOrder<HeldMessage>();
  private readonly recent = new RecentlySettled();
  private readonly gate: DependencyGate;
  private ready: HeldMessage[] = [];
  private running = 0;
  private stopping = false;
  private readonly abort = new AbortController();
  private idle: (() => void) | undefined;

  constructor(
    private readonly options: HandlingOptions,
    private readonly settlement: Settlement,
    private readonly hooks: HandlingHooks,
    private readonly observer: HandlingObserver,
    gateDelays?: { firstDelayMs: number; maxDelayMs: number },
  ) {
    // Every running handler may listen; there is no leak to be warned of.
    setMaxListeners(0, this.abort.signal);
    this.gate = new DependencyGate(() => {
      hooks.gateChanged(this.gate.closed);
      this.pump();
    }, gateDelays);
  }

  get inFlight(): number {
    return this.held.size;
  }

  /** Messages that may still be taken; none while a dependency is away. */
  get room(): number {
    return this.gate.closed || this.stopping ? 0 : this.options.capacity - this.held.size;
  }

  /** Everything held, for the extension of ack waits. */
  *deliveries(): Generator<Delivery> {
    for (const { delivery } of this.held.values()) yield delivery;
  }

  /** The broker has been made anew: sequences may mean other messages now. */
  forgetSettled(): void {
    this.recent.clear();
  }

  take(delivery: Delivery): void {
    if (delivery.deliveries > 1) this.observer.redelivered();
    if (this.stopping) return this.settlement.nak(delivery);
    const message = hold(delivery);
    const known = this.held.get(delivery.sequence);
    if (known?.identity === message.identity) {
      // Delivered again while it is held: the newest delivery is the one that can be settled.
      known.delivery.reply = delivery.reply ?? known.delivery.reply;
      known.delivery.deliveries = delivery.deliveries;
      return;
    }
    switch (this.recent.get(delivery.sequence, message.identity)) {
      case 'ack':
        return this.settlement.ack(delivery);
      case 'term':
        return this.settlement.term(delivery, 'parked as a dead letter');
      case undefined:
        break;
    }
    this.held.set(delivery.sequence, message);
    if (!this.order.join(message.aggregate, message)) return;
    this.ready.push(message);
    this.pump();
  }

  private pump(): void {
    while (!this.stopping && this.running < this.options.concurrency && this.ready.length > 0) {
      const pass = this.gate.enter();
      if (pass === undefined) return;
      const message = this.ready.shift();
      if (message) void this.run(message, pass);
    }
  }

  private async run(message: HeldMessage, pass: Pass): Promise<void> {
    this.running++;
    message.running = true;
    const settled = await this.attempt(message, pass);
    message.running = false;
    this.running--;
    if (settled) this.finish(message, settled);
    this.pump();
    if (this.running === 0) this.idle?.();
  }

  /** How the message was settled; undefined when it goes on. */
  private async attempt(message: HeldMessage, pass: Pass): Promise<'ack' | 'term' | undefined> {
    const { delivery } = message;
    this.decideParking(message);
    if (message.parking) return this.park(message, message.parking, pass);
    const started = performance.now();
    try {
      await this.hooks.handle(delivery, message.failures + 1, this.abort.signal);
    } catch (error) {
      return this.failed(message, error, pass);
    }
    this.gate.answered(pass);
    this.settlement.ack(delivery);
    if ('event' in delivery.content) {
      this.observer.handled(delivery.content.event.eventType, (performance.now() - started) / 1000);
    }
    return 'ack';
  }

  /** Messages that are parked without a handler having seen them. */
  private decideParking(message: HeldMessage): void {
    const { content, deliveries } = message.delivery;
    if (message.parking) return;
    if ('malformed' in content) {
      message.parking = { reason: 'undecodable', error: content.malformed };
    } else if (!this.gate.closed && isCrashLoop(deliveries, message.failures, this.options.retry)) {
      const error = new Error(
        `delivered ${deliveries} times without an outcome; it seems to end its process`,
      );
      message.parking = { reason: 'crash-loop', error };
    } else if (this.hooks.behind?.blocks(content.event.aggregateId)) {
      message.parking = {
        reason: 'behind',
        error: new Error(`it waits behind another dead letter of ${content.event.aggregateId}`),
      };
    }
  }

  private failed(message: HeldMessage, error: unknown, pass: Pass): Promise<'term' | undefined> | undefined {
    const verdict = this.hooks.verdict(error);
    this.observer.failed(verdict.kind, error, message.delivery, message.failures + 1);
    switch (verdict.kind) {
      case 'unavailable':
        this.gate.unavailable(pass, verdict);
        this.ready.unshift(message);
        return undefined;
      case 'terminal':
        this.gate.answered(pass);
        this.count(message);
        message.parking = { reason: 'terminal', error };
        return this.park(message, message.parking, pass);
      case 'failure': {
        this.gate.answered(pass);
        this.count(message);
        const next = afterFailure(message.failures, this.options.retry);
        if ('park' in next) {
          message.parking = { reason: next.park, error };
          return this.park(message, message.parking, pass);
        }
        this.retryLater(message, next.retryInMs);
        return undefined;
      }
    }
  }

  private count(message: HeldMessage): void {
    message.failures++;
    message.lastFailure = Date.now();
    message.firstFailure ||= message.lastFailure;
  }

  private retryLater(message: HeldMessage, delayMs: number): void {
    if (this.stopping) return;
    message.retry = setTimeout(() => {
      this.ready.push(message);
      this.pump();
    }, delayMs);
  }

  private async park(
    message: HeldMessage,
    { reason, error }: NonNullable<HeldMessage['parking']>,
    pass: Pass,
  ): Promise<'term' | undefined> {
    const now = Date.now();
    const parked = parkedOf(message.delivery, this.options, {
      reason,
      error,
      attempts: message.failures,
      firstFailure: message.firstFailure || now,
      lastFailure: message.lastFailure || now,
    });
    try {
      if (reason !== 'behind') await this.hooks.park(parked);
      else if (!(await this.hooks.behind?.park(parked))) {
        this.gate.answered(pass);
        // What it would have waited for has ended meanwhile.
        delete message.parking;
        this.ready.unshift(message);
        return undefined;
      }
    } catch (failure) {
      // A message whose dead letter can't be stored is kept; nothing else could be handled safely either.
      const { message: why } = describeError(failure);
      this.gate.unavailable(pass, { dependency: 'dead letters', reason: why });
      this.ready.unshift(message);
      return undefined;
    }
    this.gate.answered(pass);
    this.observer.parked(parked);
    this.settlement.term(message.delivery, `parked: ${reason}`);
    return 'term';
  }

  private finish(message: HeldMessage, as: 'ack' | 'term'): void {
    const { sequence } = message.delivery;
    this.recent.add(sequence, message.identity, as);
    if (this.held.get(sequence) === message) this.held.delete(sequence);
    const next = this.order.release(message.aggregate);
    if (next) this.ready.push(next);
    this.hooks.settled();
  }

  /** Resolves when nothing is held, or handling is stopped. */
  async drained(): Promise<void> {
    while (this.held.size > 0 && !this.stopping) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /**
   * Gives back at once what no handler is working on, waits for those at work, and at the deadline aborts them and gives
   * their messages back too.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.stopping = true;
    this.gate.stop();
    this.giveBack((message) => !this.order.head(message.aggregate)?.running);
    if (this.running > 0) {
      let overdue: NodeJS.Timeout | undefined;
      await Promise.race([
        new Promise<void>((resolve) => (this.idle = resolve)),
        new Promise<void>((resolve) => (overdue = setTimeout(resolve, deadlineMs))),
      ]);
      clearTimeout(overdue);
      this.abort.abort();
    }
    this.giveBack(() => true);
    this.order.clear();
  }

  private giveBack(which: (message: HeldMessage) => boolean): void {
    for (const message of [...this.held.values()]) {
      if (!which(message)) continue;
      clearTimeout(message.retry);
      this.held.delete(message.delivery.sequence);
      this.settlement.nak(message.delivery);
    }
    this.ready = [];
  }
}
