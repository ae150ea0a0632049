import { Pool } from 'pg';
import { createPool, migrateDatabase } from '@headwater/sql';
import { createTestDatabase, eventually, TestDatabase } from '@headwater/testing';
import {
  declareLogs,
  EventIdClash,
  EVENTSTORE_MIGRATIONS,
  EventStore,
  FollowedPage,
  InvalidRequest,
  LogRefused,
  Overloaded,
  readAfter,
  recordedEvent,
  StoredEvent,
  StoreUnavailable,
  UnknownLog,
  VersionConflict,
} from './index';
import { AppendRequest } from './request';
import { LOOK_UP } from './append';
import { GET_LOG } from './get-log';
import { GROUP_COMMIT_LIMITS } from './group-commit';
import { READ_AGGREGATE, READ_AGGREGATE_BACKWARDS, READ_EVENT } from './read-aggregate';
import { READ_LOG, READ_LOG_OF_TYPES } from './read-log';

let database: TestDatabase;
let pool: Pool;
const LOGS = ['A', 'B', 'FAULTY', 'PAGES', 'FOLLOWED', 'MARKED', 'BUSY'];
beforeAll(async () => {
  database = await createTestDatabase();
  await migrateDatabase(database.url, EVENTSTORE_MIGRATIONS);
  pool = createPool({ url: database.url, applicationName: 'test', settings: { enable_seqscan: 'off' } });
  await declareLogs(pool, LOGS);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

let store: EventStore;
beforeEach(() => {
  store = new EventStore(pool, { logs: LOGS });
});
afterEach(() => store.close());

let ids = 0;
const nextId = (): string => `id-${++ids}`;
interface One {
  log?: string;
  aggregateId?: string;
  expected?: AppendRequest['aggregates'][number]['expected'];
  eventIds?: string[];
  data?: string;
  metadata?: string;
  type?: string;
}
function one({
  log = 'A',
  aggregateId = 'x',
  expected = 'any',
  eventIds = [nextId()],
  data = '{"n":1}',
  metadata = '{"correlationId":"c"}',
  type = 'happened',
}: One = {}): AppendRequest {
  const events = eventIds.map((eventId) => ({ eventId, eventType: `${log}.${type}`, data, metadata }));
  return { log, aggregates: [{ aggregateId, aggregateType: 'thing', expected, events }] };
}

async function collect<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pages) all.push(page);
  return all;
}
const history = async (aggregateId: string, log = 'A'): Promise<StoredEvent[]> =>
  (await collect(store.readAggregate(log, aggregateId))).flat();

describe('append', () => {
  test('stores events with positions, versions and the bytes as sent', async () => {
    const data = '{"z": 1,  "a":"ä\\u0000"}';
    const result = await store.append(one({ aggregateId: 'kept', eventIds: ['k1', 'k2'], data }));
    expect(result.repeated).toBe(false);
    const first = result.events[0]?.position ?? 0;
    expect(result.events).toEqual([
      { eventId: 'k1', position: first, version: 1 },
      { eventId: 'k2', position: first + 1, version: 2 },
    ]);
    const [event] = await history('kept');
    expect(event && recordedEvent(event)).toEqual({
      log: 'A',
      position: first,
      eventId: 'k1',
      eventType: 'A.happened',
      aggregateId: 'kept',
      aggregateType: 'thing',
      version: 1,
      data,
      metadata: { correlationId: 'c' },
      recordedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
  });

  test('empty data comes back empty', async () => {
    await store.append(one({ aggregateId: 'empty', data: '', metadata: '' }));
    expect((await history('empty'))[0]).toMatchObject({ data: '', metadata: '' });
  });

  test('the same events again get the first result, whatever the expectation and the metadata', async () => {
    const request = one({ aggregateId: 'again', expected: 'no_stream', eventIds: ['g1', 'g2'] });
    const first = await store.append(request);
    await store.append(one({ aggregateId: 'again' }));
    const changed = one({
      aggregateId: 'again',
      expected: 'no_stream',
      eventIds: ['g1', 'g2'],
      metadata: '{}',
    });
    expect(await store.append(changed)).toEqual({ events: first.events, repeated: true });
    expect(await history('again')).toHaveLength(3);
  });

  test('another content under a stored id, and a part of an append, are clashes that say where', async () => {
    const stored = await store.append(one({ aggregateId: 'clash', eventIds: ['c1'] }));
    const other = store.append(one({ aggregateId: 'clash', eventIds: ['c1'], data: '{"n":2}' }));
    await expect(other).rejects.toMatchObject({
      name: 'EventIdClash',
      eventId: 'c1',
      position: stored.events[0]?.position,
    });
    await expect(store.append(one({ aggregateId: 'clash', eventIds: ['c1', 'c2'] }))).rejects.toThrow(
      EventIdClash,
    );
    await expect(store.append(one({ log: 'B', aggregateId: 'clash', eventIds: ['c1'] }))).rejects.toThrow(
      EventIdClash,
    );
  });

  test('a version conflict carries the actual version', async () => {
    await store.append(one({ aggregateId: 'versions', eventIds: [nextId(), nextId()] }));
    const conflict = store.append(one({ aggregateId: 'versions', expected: 1 }));
    await expect(conflict).rejects.toMatchObject({ name: 'VersionConflict', expected: '1', actual: 2 });
    await expect(store.append(one({ aggregateId: 'new', expected: 'exists' }))).rejects.toThrow(
      VersionConflict,
    );
    await store.append(one({ aggregateId: 'versions', expected: 2 }));
  });

  test('refused appends leave no hole between their neighbours', async () => {
    const before = (await store.getLog('A')).head;
    const outcomes = await Promise.allSettled([
      store.append(one({ aggregateId: 'n1' })),
      store.append(one({ aggregateId: 'n1', expected: 'no_stream' })),
      store.append(one({ aggregateId: 'n1', data: '{' })),
      store.append(one({ aggregateId: 'n2', expected: 0 })),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect((await store.getLog('A')).head).toBe(before + 2);
    expect(await readAfter(pool, 'A', before, 10, 1_000_000)).toHaveLength(2);
  });

  test('a NUL that slips past every check harms only its own append', async () => {
    // JSON allows no raw NUL, ids are checked; an aggregate's type is the test's way in.
    const bad = one({ log: 'FAULTY', aggregateId: 'bad' });
    const outcomes = await Promise.allSettled([
      store.append(one({ log: 'FAULTY', aggregateId: 'ok-1' })),
      store.append({
        ...bad,
        aggregates: bad.aggregates.map((aggregate) => ({
          ...aggregate,
          get aggregateType(): string {
            return sneaky.next();
          },
        })),
      }),
      store.append(one({ log: 'FAULTY', aggregateId: 'ok-2' })),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await store.getLog('FAULTY')).head).toBe(2);
  });

  test('an unknown log, a refused log, and one restored but not compared', async () => {
    await expect(store.append(one({ log: 'NOWHERE' }))).rejects.toThrow(UnknownLog);
    await store.append(one({ log: 'MARKED' }));
    await pool.query("UPDATE logs SET refused = 'the stream is ahead' WHERE name = 'MARKED'");
    await expect(store.append(one({ log: 'MARKED' }))).rejects.toThrow(/the stream is ahead/);
    await pool.query("UPDATE logs SET refused = NULL, restore_mark = restore_mark + 1 WHERE name = 'MARKED'");
    await expect(store.append(one({ log: 'MARKED' }))).rejects.toThrow(LogRefused);
    expect((await store.getLog('MARKED')).refused).toMatch(/restored/);
    await pool.query("UPDATE logs SET compared_mark = restore_mark WHERE name = 'MARKED'");
    const { events } = await store.append(one({ log: 'MARKED' }));
    expect(events[0]?.position).toBe(2);
  });

  test('past its bounds it answers at once, and takes what waits', async () => {
    const limits = { ...GROUP_COMMIT_LIMITS, queuedAppends: 3 };
    const small = new EventStore(pool, { logs: ['BUSY'], limits });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => small.append(one({ log: 'BUSY' }))),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    const refused = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    );
    expect(refused).toHaveLength(2);
    for (const reason of refused) expect(reason).toBeInstanceOf(Overloaded);
    await small.close();
    await expect(small.append(one({ log: 'BUSY' }))).rejects.toThrow(StoreUnavailable);
  });

  test('an append given up before its batch is not stored', async () => {
    const abort = new AbortController();
    const given = store.append(one({ log: 'BUSY', aggregateId: 'given-up' }), abort.signal);
    abort.abort(new Error('gone'));
    await expect(given).rejects.toThrow('gone');
    expect(await history('given-up', 'BUSY')).toEqual([]);
  });
});

/** What a hostile caller's object may answer: right while it is looked at, wrong afterwards. */
const sneaky = {
  asked: 0,
  next(): string {
    return ++this.asked > 1 ? 'a\0b' : 'thing';
  },
};

describe('reading', () => {
  beforeAll(async () => {
    const filling = new EventStore(pool, { logs: LOGS });
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        filling.append(
          one({
            log: 'PAGES',
            aggregateId: `p-${n % 3}`,
            type: n % 10 === 0 ? 'rare' : 'usual',
            data: JSON.stringify('x'.repeat(n === 7 ? 5_000 : 100)),
          }),
        ),
      ),
    );
    await filling.close();
  });
  const positions = (events: readonly StoredEvent[]): number[] => events.map(({ position }) => position);
  const upTo = (first: number, last: number): number[] =>
    Array.from({ length: last - first + 1 }, (_, n) => first + n);

  test('pages end by count and by bytes, and miss nothing', async () => {
    for (const page of [
      { limit: 7, maxBytes: 1_000_000 },
      { limit: 500, maxBytes: 450 },
      { limit: 1, maxBytes: 1 },
    ]) {
      const pages = await collect(store.readLog({ log: 'PAGES', after: 0, page }));
      expect(positions(pages.flatMap(({ events }) => events))).toEqual(upTo(1, 30));
      expect(pages.map(({ caughtUp }) => caughtUp)).toEqual(pages.map((_, n) => n === pages.length - 1));
      for (const { events, position } of pages) expect(events.at(-1)?.position).toBe(position);
    }
  });

  test('filters by type, from a position, with a limit', async () => {
    const rare = await collect(store.readLog({ log: 'PAGES', after: 1, eventTypes: ['PAGES.rare'] }));
    expect(rare.flatMap(({ events }) => positions(events))).toEqual([11, 21]);
    expect(rare.at(-1)).toMatchObject({ position: 30, caughtUp: true });
    const few = await collect(
      store.readLog({ log: 'PAGES', after: 0, eventTypes: ['PAGES.rare'], limit: 2 }),
    );
    expect(few.at(-1)).toMatchObject({ position: 11, caughtUp: false });
  });

  test('at the end there is only the marker; past it is an error', async () => {
    expect(await collect(store.readLog({ log: 'PAGES', after: 30 }))).toEqual([
      { events: [], position: 30, caughtUp: true },
    ]);
    await expect(collect(store.readLog({ log: 'PAGES', after: 31 }))).rejects.toThrow(InvalidRequest);
    await expect(collect(store.readLog({ log: 'NOWHERE', after: 0 }))).rejects.toThrow(UnknownLog);
    await expect(collect(store.readLog({ log: 'PAGES', after: -1 }))).rejects.toThrow(InvalidRequest);
  });

  test('histories go forwards and backwards, from a version, with a limit', async () => {
    const versions = async (options: object): Promise<number[]> =>
      (await collect(store.readAggregate('PAGES', 'p-1', options))).flat().map(({ version }) => version);
    expect(await versions({})).toEqual(upTo(1, 10));
    expect(await versions({ fromVersion: 4, limit: 3 })).toEqual([4, 5, 6]);
    expect(await versions({ backwards: true, limit: 2 })).toEqual([10, 9]);
    expect(await versions({ backwards: true, fromVersion: 3 })).toEqual([3, 2, 1]);
    expect(await collect(store.readAggregate('PAGES', 'nobody'))).toEqual([]);
  });

  test('a following reader gets the marker, live events, those of other replicas, and heartbeats', async () => {
    const replica = new EventStore(pool, { logs: LOGS });
    const abort = new AbortController();
    const pages: FollowedPage[] = [];
    const reading = (async () => {
      const following = { log: 'FOLLOWED', after: 0, follow: true, heartbeatMs: 30, signal: abort.signal };
      for await (const page of store.readLog(following)) pages.push(page);
    })();
    await eventually(() => expect(pages[0]).toEqual({ events: [], position: 0, caughtUp: true }));
    await store.append(one({ log: 'FOLLOWED' }));
    await replica.append(one({ log: 'FOLLOWED' }));
    await eventually(() => expect(pages.flatMap(({ events }) => positions(events))).toEqual([1, 2]));
    const seen = pages.length;
    await eventually(() => expect(pages.length).toBeGreaterThan(seen));
    expect(pages.at(-1)).toEqual({ events: [], position: 2, caughtUp: true });
    abort.abort();
    await reading;
    await replica.close();
  });

  test('a hole is an error, never passed over', async () => {
    await pool.query("INSERT INTO logs (name) VALUES ('HOLED') ON CONFLICT DO NOTHING");
    const holed = new EventStore(pool, { logs: ['HOLED'] });
    for (const n of [1, 2, 3]) await holed.append(one({ log: 'HOLED', aggregateId: `h-${n}` }));
    await pool.query("DELETE FROM events WHERE log = 'HOLED' AND position = 2");
    await expect(collect(holed.readLog({ log: 'HOLED', after: 0 }))).rejects.toThrow(/damaged/);
    await expect(readAfter(pool, 'HOLED', 1, 10, 1_000)).rejects.toThrow(/damaged/);
    await holed.close();
  });

  test('commits of this process are told at once', async () => {
    const told: [string, number][] = [];
    const stop = store.onCommitted((log, head) => told.push([log, head]));
    const { events } = await store.append(one({ log: 'FOLLOWED' }));
    expect(told).toEqual([['FOLLOWED', events[0]?.position]]);
    stop();
  });

  test.each([
    ['the log', READ_LOG, ['A', 0, 9, 9, 9]],
    ['the log by type', READ_LOG_OF_TYPES, ['A', 0, 9, ['A.x'], 9, 9]],
    ['a history', READ_AGGREGATE, ['A', 'x', 0, 9, 9]],
    ['a history backwards', READ_AGGREGATE_BACKWARDS, ['A', 'x', 9, 9, 9]],
    ['an event', READ_EVENT, ['id-1']],
    ["a log's state", GET_LOG, ['A']],
    ["an append's look-up", LOOK_UP, ['A', ['a', 'b'], ['x']]],
  ])('%s is read by an index', async (_what, text, values) => {
    const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toMatch(/Index/);
    expect(plan).not.toMatch(/Seq Scan/);
  });
});
