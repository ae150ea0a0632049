import { Pool } from 'pg';
import { AppendResult } from '@headwater/contracts';
import { isUnavailable, Isolation } from '@headwater/sql';
import { appendBatch } from './append';
import { InvalidRequest, StoreUnavailable, UnknownLog } from './errors';
import { getHead, getLog, LogState } from './get-log';
import { GroupCommit, GroupCommitLimits } from './group-commit';
import { LogHeads } from './log-heads';
import { PAGE, PageBounds } from './page';
import { readAggregate, ReadAggregateOptions, readEvent } from './read-aggregate';
import { LogPage, readLogPage } from './read-log';
import { AppendRequest } from './request';
import { StoredEvent } from './stored-event';
import { prepareAppend } from './validate';

export interface EventStoreOptions {
  /** Declared logs; see `declareLogs`. */
  logs: readonly string[];
  /** READ COMMITTED unless told otherwise: the counter row and the unique keys carry the guarantees. */
  isolation?: Isolation;
  limits?: GroupCommitLimits;
  /** Told of every transaction that runs again. */
  onRetry?: (log: string, error: unknown) => void;
  /** Told of every committed batch: appends and events in it, and milliseconds. */
  onBatch?: (log: string, appends: number, head: number, ms: number) => void;
}

export interface ReadLogOptions {
  log: string;
  /** Events with a higher position are read. */
  after: number;
  /** None: all. */
  eventTypes?: readonly string[];
  /** Events at most; 0: no limit. */
  limit?: number;
  /** Go on at the end of the log. */
  follow?: boolean;
  signal?: AbortSignal;
  heartbeatMs?: number;
  page?: PageBounds;
}

export interface FollowedPage extends LogPage {
  caughtUp: boolean;
}

type CommitListener = (log: string, head: number) => void;

/** The log of record on SQL. */
export class EventStore {
  readonly logs: readonly string[];
  private readonly commits: ReadonlyMap<string, GroupCommit>;
  private readonly heads: LogHeads;
  private readonly listeners = new Set<CommitListener>();

  constructor(
    private readonly pool: Pool,
    private readonly options: EventStoreOptions,
  ) {
    this.logs = [...options.logs];
    this.heads = new LogHeads(pool);
    this.commits = new Map(this.logs.map((log) => [log, this.groupCommit(log)]));
  }

  /**
   * Stores the events of a request, all or none, and resolves when they are committed.
   *
   * @throws InvalidRequest, UnknownLog, VersionConflict, EventIdClash, LogRefused, Overloaded, StoreUnavailable
   */
  async append(request: AppendRequest, signal?: AbortSignal): Promise<AppendResult> {
    const commit = this.commits.get(request.log);
    if (!commit) throw new UnknownLog(request.log);
    return commit.append(prepareAppend(request), signal);
  }

  /** An aggregate's history in pages. */
  async *readAggregate(
    log: string,
    aggregateId: string,
    options: Partial<ReadAggregateOptions> = {},
  ): AsyncGenerator<StoredEvent[]> {
    this.checkLog(log);
    checkCount('from_version', options.fromVersion ?? 0);
    checkCount('limit', options.limit ?? 0);
    try {
      yield* readAggregate(this.pool, log, aggregateId, {
        fromVersion: 0,
        backwards: false,
        limit: 0,
        ...options,
      });
    } catch (error) {
      throw translated(error);
    }
  }

  readEvent(eventId: string): Promise<StoredEvent | undefined> {
    return this.translating(() => readEvent(this.pool, eventId));
  }

  /**
   * A log in pages, from a position on. The last page of what is there says `caughtUp`; with `follow` it goes on with
   * what is appended, and says so in an empty page every `heartbeatMs` when nothing is.
   */
  async *readLog(options: ReadLogOptions): AsyncGenerator<FollowedPage> {
    this.checkLog(options.log);
    checkCount('after_position', options.after);
    checkCount('limit', options.limit ?? 0);
    try {
      yield* this.pages(options);
    } catch (error) {
      throw translated(error);
    }
  }

  private async *pages(options: ReadLogOptions): AsyncGenerator<FollowedPage> {
    const { log, eventTypes = [], signal, heartbeatMs = 5_000, page = PAGE } = options;
    let left = options.limit ? options.limit : Infinity;
    let position = options.after;
    let head = await getHead(this.pool, log);
    if (position > head)
      throw new InvalidRequest('after_position', `is ${position}, but the log ends at ${head}`);
    if (position === head) yield { events: [], position, caughtUp: true };
    while (!signal?.aborted) {
      while (position < head && !signal?.aborted) {
        const bounds = { ...page, limit: Math.min(page.limit, left) };
        const next = await readLogPage(this.pool, log, position, head, eventTypes, bounds);
        position = next.position;
        left -= next.events.length;
        yield { ...next, caughtUp: position >= head };
        if (left <= 0) return;
      }
      if (!options.follow) return;
      const grown = await this.heads.beyond(log, position, heartbeatMs, signal);
      if (grown !== undefined) head = grown;
      else if (!signal?.aborted) yield { events: [], position, caughtUp: true };
    }
  }

  getLog(log: string): Promise<LogState> {
    return this.translating(async () => {
      this.checkLog(log);
      return getLog(this.pool, log);
    });
  }

  /** Calls the listener after every commit of this process that grew a log. Returns how to stop that. */
  onCommitted(listener: CommitListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Takes no more appends and waits for those under way. The pool stays open. */
  async close(): Promise<void> {
    this.heads.close();
    await Promise.all([...this.commits.values()].map((commit) => commit.close()));
  }

  private groupCommit(log: string): GroupCommit {
    const { isolation, limits, onRetry, onBatch } = this.options;
    let last = 0;
    return new GroupCommit(
      log,
      async (batch) => {
        const began = performance.now();
        const { outcomes, head } = await appendBatch(this.pool, log, batch, {
          ...(isolation ? { isolation } : {}),
          ...(onRetry ? { onRetry: (error: unknown) => onRetry(log, error) } : {}),
        });
        onBatch?.(log, batch.length, head, performance.now() - began);
        if (head > last) {
          last = head;
          this.heads.committed(log, head);
          for (const listener of this.listeners) listener(log, head);
        }
        return outcomes;
      },
      limits,
    );
  }

  private checkLog(log: string): void {
    if (!this.commits.has(log)) throw new UnknownLog(log);
  }

  private async translating<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw translated(error);
    }
  }
}

const translated = (error: unknown): unknown => (isUnavailable(error) ? new StoreUnavailable(error) : error);

function checkCount(field: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new InvalidRequest(field, 'must be an integer from 0 to 2^53 - 1');
}
