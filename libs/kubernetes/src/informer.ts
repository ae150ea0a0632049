import { KubernetesClient } from './client';
import { decodeObject } from './decode';
import { isExpired, isForbidden, isNotFound } from './errors';
import { RuntimeLog, silentLog } from './log';
import { RuntimeMetrics } from './metrics';
import { InformerChange, ObjectCache } from './object-cache';
import { keyOf, KubernetesObject, ResourceType } from './objects';
import { pause } from './pause';

export type { InformerChange } from './object-cache';

export interface InformerOptions<T extends KubernetesObject> {
  client: KubernetesClient;
  type: ResourceType;
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /**
   * Turns what the server sent into what is kept: to check it, or to keep less of it. What it throws at is logged and
   * passed over; the cache keeps what it had of that object.
   */
  decode?: (raw: KubernetesObject) => T;
  /**
   * How long a watch may be silent before its connection counts as dead (60 s). Watches are made shorter than that, so
   * that one on a good connection always ends in order before: bookmarks alone do not tell, for a server sends none for
   * a kind of which nothing changed since it started.
   */
  inactivityMs?: number;
  /** Show every object to the listeners again this often, as `updated`; absent: never. */
  resyncMs?: number;
  /** Objects in a page of a list (500). */
  pageSize?: number;
  log?: RuntimeLog;
  metrics?: RuntimeMetrics;
}

/** Length of a watch as a part of `inactivityMs`; spread, so that not all of them come back at one moment. */
const WATCH_PART = { least: 0.6, most: 0.8 };

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 30_000;
/** A watch that lived so long was a good one: the next failure is a first one. */
const GOOD_WATCH_MS = 10_000;

/** Why a complete list is fetched. */
type ListReason = 'start' | 'expired';

/**
 * A copy of all objects of one kind, kept up to date.
 *
 * It lists in pages, watches from there, and goes on for ever: a watch that ends is taken up where it was, a version that
 * is too old leads to a new list whose differences are told as changes, a connection that went silent is given up. An API
 * server that is away only makes it wait, with growing delay; the copy stays as it was.
 */
export class Informer<T extends KubernetesObject = KubernetesObject> {
  readonly synced: Promise<void>;
  private readonly cache = new ObjectCache<T>();
  private readonly listeners = new Set<(change: InformerChange<T>) => void>();
  private readonly log: RuntimeLog;
  private readonly inactivityMs: number;
  private announceSynced: () => void = () => undefined;
  private hasListed = false;
  private failures = 0;

  constructor(private readonly options: InformerOptions<T>) {
    this.log = options.log ?? silentLog;
    this.inactivityMs = options.inactivityMs ?? 60_000;
    this.synced = new Promise((resolve) => (this.announceSynced = resolve));
  }

  /** True once everything has been seen. What is not in the cache before that may still exist. */
  get hasSynced(): boolean {
    return this.hasListed;
  }

  get size(): number {
    return this.cache.size;
  }

  /** @param key `namespace/name`, or `name` of an object of the cluster. What comes back is shared: don't change it. */
  get(key: string): T | undefined {
    return this.cache.get(key);
  }

  list(): T[] {
    return this.cache.list();
  }

  /** @param of the values under which `byIndex` finds an object */
  addIndex(name: string, of: (object: T) => readonly string[]): void {
    this.cache.addIndex(name, of);
  }

  byIndex(name: string, value: string): T[] {
    return this.cache.byIndex(name, value);
  }

  /**
   * Calls the listener with every change from now on, after the cache has it; objects that are there already come at
   * once, as `added`. Returns what ends it.
   */
  onChange(listener: (change: InformerChange<T>) => void): () => void {
    this.listeners.add(listener);
    for (const object of this.cache.list()) {
      this.tell(listener, { type: 'added', key: keyOf(object.metadata), object });
    }
    return () => this.listeners.delete(listener);
  }

  /** Runs until the signal is aborted. Never rejects: what goes wrong is logged and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { resyncMs } = this.options;
    const resync = resyncMs === undefined ? undefined : setInterval(() => this.showAll(), resyncMs);
    try {
      let reason: ListReason = 'start';
      while (!signal.aborted) {
        const version = await this.listAll(reason, signal);
        if (version === undefined) continue;
        await this.watchFrom(version, signal);
        reason = 'expired';
      }
    } finally {
      clearInterval(resync);
    }
  }

  /** @returns the version of the list; undefined after a failure, which has been waited for */
  private async listAll(reason: ListReason, signal: AbortSignal): Promise<string | undefined> {
    const { type, metrics } = this.options;
    try {
      metrics?.relists.inc({ kind: type.kind, reason });
      const { objects, refused, version } = await this.fetchPages(signal);
      this.announce(this.cache.replaceAll(objects, refused));
      this.failures = 0;
      if (!this.hasListed) {
        this.hasListed = true;
        this.announceSynced();
      }
      return version;
    } catch (error) {
      if (!signal.aborted) await this.waitAfter(error, 'listing', signal);
      return undefined;
    }
  }

  private async fetchPages(
    signal: AbortSignal,
  ): Promise<{ objects: T[]; refused: Set<string>; version: string }> {
    const { client, type, namespace, labelSelector, fieldSelector } = this.options;
    const selected = {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      signal,
    };
    let limit: number | undefined = this.options.pageSize ?? 500;
    for (;;) {
      const objects: T[] = [];
      const refused = new Set<string>();
      try {
        let next: string | undefined;
        do {
          const page = await client.list(type, {
            ...selected,
            ...(limit === undefined ? {} : { limit }),
            ...(next === undefined ? {} : { continue: next }),
          });
          for (const raw of page.items) {
            const object = this.decoded(raw);
            if (object === undefined) refused.add(keyOf(raw.metadata));
            else objects.push(object);
          }
          next = page.continue;
          if (next === undefined) return { objects, refused, version: page.resourceVersion };
        } while (next !== undefined);
      } catch (error) {
        // The pages after a compaction are lost; all in one can't be.
        if (!isExpired(error) || limit === undefined) throw error;
        limit = undefined;
      }
    }
  }

  /** Watches, again and again, until the version is too old or the signal is aborted. */
  private async watchFrom(start: string, signal: AbortSignal): Promise<void> {
    let version = start;
    while (!signal.aborted) {
      const startedAt = performance.now();
      try {
        for await (const batch of this.openWatch(version, signal)) {
          for (const event of batch) {
            if (event.type === 'BOOKMARK') {
              version = event.resourceVersion;
              continue;
            }
            version = event.object.metadata.resourceVersion ?? version;
            this.take(event.type, event.object);
          }
        }
        // The server has ended it in order; should it do so at once each time, this must not spin.
        if (performance.now() - startedAt < 1_000) await pause(this.delay(), signal);
        else this.failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (isExpired(error)) {
          this.log.info({ kind: this.options.type.kind }, 'the watch fell behind what the server remembers');
          return;
        }
        if (performance.now() - startedAt > GOOD_WATCH_MS) this.failures = 0;
        await this.waitAfter(error, 'watching', signal);
      }
    }
  }

  private openWatch(resourceVersion: string, signal: AbortSignal): ReturnType<KubernetesClient['watch']> {
    const { client, type, namespace, labelSelector, fieldSelector } = this.options;
    const { least, most } = WATCH_PART;
    const part = least + Math.random() * (most - least);
    const timeoutSeconds = Math.max(1, Math.floor((this.inactivityMs * part) / 1000));
    return client.watch(type, {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      resourceVersion,
      timeoutSeconds,
      inactivityMs: this.inactivityMs,
      signal,
    });
  }

  private take(type: 'ADDED' | 'MODIFIED' | 'DELETED', raw: KubernetesObject): void {
    const object = this.decoded(raw);
    const key = keyOf(raw.metadata);
    if (type === 'DELETED') this.announce(this.cache.delete(key, object));
    else if (object !== undefined) this.announce(this.cache.set(object));
  }

  private decoded(raw: KubernetesObject): T | undefined {
    const { decode, type } = this.options;
    try {
      return decode ? decode(raw) : decodeObject<T>(type, raw);
    } catch (err) {
      this.log.warn({ kind: type.kind, key: keyOf(raw.metadata), err }, 'an object could not be read');
      return undefined;
    }
  }

  private showAll(): void {
    for (const object of this.cache.list()) {
      const change = { type: 'updated' as const, key: keyOf(object.metadata), object, previous: object };
      for (const listener of this.listeners) this.tell(listener, change);
    }
  }

  private announce(changes: readonly InformerChange<T>[]): void {
    this.options.metrics?.cachedObjects.set({ kind: this.options.type.kind }, this.cache.size);
    for (const change of changes) for (const listener of this.listeners) this.tell(listener, change);
  }

  /** One listener's mistake must not keep a change from the others, nor end the watch. */
  private tell(listener: (change: InformerChange<T>) => void, change: InformerChange<T>): void {
    try {
      listener(change);
    } catch (err) {
      this.log.error({ kind: this.options.type.kind, key: change.key, err }, 'a listener failed');
    }
  }

  private async waitAfter(error: unknown, doing: string, signal: AbortSignal): Promise<void> {
    const fields = { kind: this.options.type.kind, failures: this.failures + 1, err: error };
    const standing = isForbidden(error) || isNotFound(error);
    if (standing) this.log.error(fields, `${doing} is refused and is tried again`);
    else this.log.warn(fields, `${doing} failed and is tried again`);
    await pause(this.delay(), signal);
  }

  private delay(): number {
    const ms = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(this.failures++, 20));
    return ms * (0.5 + Math.random() / 2);
  }
}
