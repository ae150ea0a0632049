import { randomBytes } from 'node:crypto';
import { KubernetesClient } from './client';
import { isNotFound, KubernetesApiError } from './errors';
import { EventSeries, RecordedEvent, seriesKey } from './event-series';
import { microTime } from './lease';
import { RuntimeLog, silentLog } from './log';
import { RuntimeMetrics } from './metrics';
import { apiVersionOf, keyOf, KubernetesObject, ResourceType } from './objects';
import { pause } from './pause';
import { TokenBuckets } from './token-buckets';

export type { RecordedEvent } from './event-series';

export interface EventRecorderOptions {
  client: KubernetesClient;
  /** Who reports, a qualified name: `example.com/thing-controller`. */
  controller: string;
  /** The pod's name. */
  instance: string;
  /** A repetition within so long of the one before counts to the same series (6 min). */
  seriesMs?: number;
  /** When the first repetitions of a series are written (10 s); each further write waits twice as long, up to 5 min. */
  firstRepeatMs?: number;
  /** Writes that one object may cause at once (10), and how long until it gets one more (30 s). */
  burst?: number;
  refillMs?: number;
  /** Normal events that all objects together may cause at once (200), and how long until there is one more (200 ms). */
  normalBurst?: number;
  normalRefillMs?: number;
  metrics?: RuntimeMetrics;
  log?: RuntimeLog;
}

export const EVENT: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

/** Writes that wait; events beyond them are dropped, for they are worth less than the memory and the load. */
const LONGEST_QUEUE = 1_000;
const MOST_SERIES = 4_000;
const LONGEST_REPEAT_MS = 300_000;
const ATTEMPTS = 3;

/**
 * Tells people about objects, through `events.k8s.io/v1`. Never blocks and never throws at its caller.
 *
 * The same event again (type, reason, action, note, object) becomes a count on the first one. What one object causes is
 * limited, the queue is bounded, and one write is under way at a time, so that events never press upon the work that
 * they tell of.
 */
export class EventRecorder {
  private readonly series = new Map<string, EventSeries>();
  private readonly toWrite = new Set<EventSeries>();
  private readonly buckets: TokenBuckets;
  /** A thousand objects that are made at once need no thousand sentences about it; warnings are not counted here. */
  private readonly normal: TokenBuckets;
  private readonly seriesMs: number;
  private readonly firstRepeatMs: number;
  private readonly log: RuntimeLog;
  private readonly stopped = new AbortController();
  private writing: Promise<void> | undefined;

  constructor(private readonly options: EventRecorderOptions) {
    this.buckets = new TokenBuckets(options.burst ?? 10, options.refillMs ?? 30_000);
    this.normal = new TokenBuckets(options.normalBurst ?? 200, options.normalRefillMs ?? 200, 1);
    this.seriesMs = options.seriesMs ?? 360_000;
    this.firstRepeatMs = options.firstRepeatMs ?? 10_000;
    this.log = options.log ?? silentLog;
  }

  /** @param object needs its apiVersion, kind, name, namespace and uid */
  event(object: KubernetesObject, event: RecordedEvent): void {
    if (this.stopped.signal.aborted) return;
    const key = seriesKey(object, event);
    const now = Date.now();
    const known = this.series.get(key);
    if (known && now - known.lastAt < this.seriesMs) {
      known.repeat(now);
      this.scheduleRepeat(known);
      return;
    }
    const allowed = event.type === 'Warning' || this.normal.take('');
    if (!allowed || this.toWrite.size >= LONGEST_QUEUE || !this.buckets.take(keyOf(object.metadata))) {
      this.options.metrics?.events.inc({ result: 'dropped' });
      return;
    }
    known?.end();
    const series = new EventSeries(object, event, now);
    // At the end, for the oldest are forgotten first.
    this.series.delete(key);
    this.series.set(key, series);
    if (this.series.size > MOST_SERIES) this.forgetOldest();
    this.enqueue(series);
  }

  /** Writes what waits, counts of series too; resolves when that is done or given up. */
  async flush(): Promise<void> {
    // What is under way is not to be written a second time.
    await this.idle();
    for (const series of this.series.values()) {
      if (!series.dirty) continue;
      series.cancelTimer();
      this.enqueue(series);
    }
    await this.idle();
  }

  /** As `flush`, for `graceMs` at most; nothing is recorded any more. */
  async close(graceMs = 2_000): Promise<void> {
    const grace = pause(graceMs, this.stopped.signal);
    await Promise.race([this.flush(), grace]);
    this.stopped.abort(new Error('the recorder is closed'));
    this.toWrite.clear();
    for (const series of this.series.values()) series.end();
    this.series.clear();
    await this.writing;
  }

  private async idle(): Promise<void> {
    while (this.writing !== undefined) await this.writing;
  }

  private scheduleRepeat(series: EventSeries): void {
    if (series.hasTimer || this.toWrite.has(series)) return;
    const delay = Math.min(LONGEST_REPEAT_MS, this.firstRepeatMs * 2 ** Math.min(series.writes, 20));
    series.setTimer(delay, () => this.enqueue(series));
  }

  private enqueue(series: EventSeries): void {
    this.toWrite.add(series);
    this.writing ??= this.writeAll();
  }

  private async writeAll(): Promise<void> {
    for (const series of this.toWrite) {
      this.toWrite.delete(series);
      await this.write(series);
    }
    // In the same turn in which the loop found nothing more, so that nothing is added in between.
    this.writing = undefined;
  }

  private async write(series: EventSeries): Promise<void> {
    const { metrics } = this.options;
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await this.send(series);
        metrics?.events.inc({ result });
        return;
      } catch (err) {
        if (this.stopped.signal.aborted) return;
        // Refused is refused: a namespace that is being deleted takes no events, a missing right comes with no retry.
        const refused = err instanceof KubernetesApiError && err.status < 500;
        if (refused || attempt === ATTEMPTS) {
          metrics?.events.inc({ result: 'failed' });
          series.end();
          // The next of its kind is a first one again.
          if (this.series.get(series.key) === series) this.series.delete(series.key);
          this.log.warn({ object: series.objectKey, reason: series.event.reason, err }, 'an event is lost');
          return;
        }
        await pause(250 * 2 ** attempt, this.stopped.signal);
      }
    }
  }

  private async send(series: EventSeries): Promise<'created' | 'counted'> {
    const { client } = this.options;
    const { signal } = this.stopped;
    const { name, namespace } = series;
    const counted = { count: series.count, lastObservedTime: microTime(new Date(series.lastAt)) };
    if (name !== undefined) {
      try {
        await client.patch(EVENT, { namespace, name }, { series: counted }, { signal });
        series.written(counted.count);
        return 'counted';
      } catch (error) {
        // An hour without a change, and the server has thrown it away.
        if (!isNotFound(error)) throw error;
      }
    }
    const made = `${series.objectName.slice(0, 200)}.${randomBytes(8).toString('hex')}`;
    await client.create(
      EVENT,
      {
        apiVersion: apiVersionOf(EVENT),
        kind: EVENT.kind,
        metadata: { namespace, name: made },
        eventTime: microTime(new Date(series.firstAt)),
        reportingController: this.options.controller,
        reportingInstance: this.options.instance,
        ...series.body(),
        ...(counted.count > 1 ? { series: counted } : {}),
      },
      signal,
    );
    series.written(counted.count, made);
    return 'created';
  }

  private forgetOldest(): void {
    for (const [key, series] of this.series) {
      if (this.series.size <= MOST_SERIES) return;
      series.end();
      this.series.delete(key);
    }
  }
}
