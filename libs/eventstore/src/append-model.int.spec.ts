import fc from 'fast-check';
import { Pool } from 'pg';
import { AppendResult, ExpectedVersion } from '@headwater/contracts';
import { createPool, Isolation, migrateDatabase } from '@headwater/sql';
import {
  createTestDatabase,
  eventually,
  SqlFault,
  SqlFaultProxy,
  startSqlFaultProxy,
  TestDatabase,
} from '@headwater/testing';
import {
  declareLogs,
  EventIdClash,
  EVENTSTORE_MIGRATIONS,
  EventStore,
  StoredEvent,
  StoreUnavailable,
  VersionConflict,
} from './index';
import { AppendRequest } from './request';

let database: TestDatabase;
let direct: Pool;
let proxy: SqlFaultProxy;
beforeAll(async () => {
  // COCKROACH_URL runs the same against a real CockroachDB.
  const given = process.env['COCKROACH_URL'];
  database = given ? { url: given, drop: () => Promise.resolve() } : await createTestDatabase();
  proxy = await startSqlFaultProxy(database.url);
  await migrateDatabase(proxy.url, EVENTSTORE_MIGRATIONS);
  direct = createPool({ url: database.url, applicationName: 'test' });
});
afterAll(async () => {
  await proxy.close();
  await direct.end();
  await database.drop();
  // No statement of the store uses what CockroachDB lacks.
  expect(proxy.refused).toEqual([]);
});

interface Step {
  aggregates: { id: number; expected: ExpectedVersion; events: number[] }[];
  data: number;
}

/** Few ids and aggregates, so that repeats, clashes and conflicts are frequent. */
const step: fc.Arbitrary<Step> = fc.record({
  aggregates: fc.uniqueArray(
    fc.record({
      id: fc.nat(4),
      expected: fc.oneof(
        { weight: 4, arbitrary: fc.constant<ExpectedVersion>('any') },
        { weight: 1, arbitrary: fc.constantFrom<ExpectedVersion>('no_stream', 'exists') },
        { weight: 2, arbitrary: fc.nat(6) },
      ),
      events: fc.uniqueArray(fc.nat(200), { minLength: 1, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 2, selector: ({ id }) => id },
  ),
  data: fc.nat({ max: 1 }),
});

const faults = fc.array(
  fc.record({
    at: fc.nat(60),
    fault: fc.constantFrom<SqlFault>(
      { kind: 'error', sqlState: '40001' },
      { kind: 'error', sqlState: '40003' },
      { kind: 'error-after', sqlState: '40003' },
      { kind: 'cut-before' },
      { kind: 'cut-after' },
      { kind: 'delay', ms: 3 },
    ),
  }),
  { maxLength: 12 },
);

let runs = 0;
function requestOf(log: string, { aggregates, data }: Step): AppendRequest {
  const taken = new Set<number>();
  return {
    log,
    aggregates: aggregates.flatMap(({ id, expected, events }) => {
      const own = events.filter((event) => !taken.has(event));
      own.forEach((event) => taken.add(event));
      if (own.length === 0) return [];
      return {
        aggregateId: `a-${id}`,
        aggregateType: 'thing',
        expected,
        events: own.map((event) => ({
          eventId: `${log}-${event}`,
          eventType: `${log}.happened`,
          data: `{"n":${data}}`,
          metadata: '',
        })),
      };
    }),
  };
}

/** Tries until the store says something definite, as a client does; or until the signal. */
async function persistently(
  store: EventStore,
  request: AppendRequest,
  signal?: AbortSignal,
): Promise<AppendResult | Error> {
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await store.append(request);
    } catch (error) {
      if (!(error instanceof StoreUnavailable))
        return error instanceof Error ? error : new Error(String(error));
    }
  }
}

/** Follows a log from its beginning into `seen`, until the signal. */
async function tail(store: EventStore, log: string, seen: StoredEvent[], signal: AbortSignal): Promise<void> {
  let after = 0;
  while (!signal.aborted) {
    try {
      for await (const page of store.readLog({ log, after, follow: true, signal, heartbeatMs: 20 })) {
        seen.push(...page.events);
        after = page.position;
      }
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }
}

async function contents(store: EventStore, log: string): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const page of store.readLog({ log, after: 0 })) events.push(...page.events);
  return events;
}

function checkLog(events: readonly StoredEvent[]): void {
  expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => index + 1));
  expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(events.length);
  const versions = new Map<string, number>();
  for (const { aggregateId, version } of events) {
    expect(version).toBe((versions.get(aggregateId) ?? 0) + 1);
    versions.set(aggregateId, version);
  }
}

/** What one answer promises about the log as it is in the end. */
function checkAnswer(
  request: AppendRequest,
  answer: AppendResult | Error,
  events: readonly StoredEvent[],
): void {
  const wanted = request.aggregates.flatMap((aggregate) =>
    aggregate.events.map((event) => ({ ...event, aggregateId: aggregate.aggregateId })),
  );
  if (answer instanceof VersionConflict) {
    expect(String(answer.actual)).not.toBe(answer.expected);
    return;
  }
  if (answer instanceof EventIdClash) {
    const stored = events[answer.position - 1];
    expect(stored?.eventId).toBe(answer.eventId);
    return;
  }
  if (answer instanceof Error) throw answer;
  expect(answer.events.map(({ eventId }) => eventId)).toEqual(wanted.map(({ eventId }) => eventId));
  answer.events.forEach(({ position, version }, index) => {
    expect(events[position - 1]).toMatchObject({
      eventId: wanted[index]?.eventId,
      aggregateId: wanted[index]?.aggregateId,
      data: wanted[index]?.data,
      version,
    });
  });
  // Repeated events may have come by several appends.
  if (answer.repeated) return;
  const positions = answer.events.map(({ position }) => position);
  expect(positions).toEqual(positions.map((_, index) => (positions[0] ?? 0) + index));
  for (const { aggregateId, expected } of request.aggregates) {
    const first = answer.events[wanted.findIndex((event) => event.aggregateId === aggregateId)]?.version ?? 0;
    if (typeof expected === 'number') expect(first).toBe(expected + 1);
    if (expected === 'no_stream') expect(first).toBe(1);
    if (expected === 'exists') expect(first).toBeGreaterThan(1);
  }
}

/** Runs the steps by several stores through planned faults, with a tailing reader beside them, and checks everything. */
async function storm(
  isolation: Isolation,
  instances: number,
  steps: readonly Step[],
  planned: readonly { at: number; fault: SqlFault }[],
): Promise<void> {
  const log = `M${++runs}`;
  await declareLogs(direct, [log]);
  const pools = Array.from({ length: instances }, () =>
    createPool({ url: proxy.url, applicationName: 'model', max: 4 }),
  );
  const stores = pools.map((pool) => new EventStore(pool, { logs: [log], isolation }));
  const reader = new EventStore(direct, { logs: [log] });
  const stop = new AbortController();
  const seen: StoredEvent[] = [];
  const tailing = tail(reader, log, seen, stop.signal);
  const broken = tailing.then(() => Promise.reject(new Error('the tailing reader has ended by itself')));
  broken.catch(() => undefined);
  const never = AbortSignal.timeout(RUN_MS);
  try {
    const first = proxy.exchanges;
    const byExchange = new Map(planned.map(({ at, fault }) => [first + at + 1, fault]));
    proxy.inject = ({ number }) => byExchange.get(number);
    const requests = steps.map((one) => requestOf(log, one));
    const all = (shift: number): Promise<(AppendResult | Error)[]> =>
      Promise.all(
        requests.map((request, index) =>
          persistently(stores[(index + shift) % instances] ?? reader, request, never),
        ),
      );
    const answers = await all(0);
    // Everything once more, elsewhere: what was stored is recognised.
    const repeats = await all(1);
    proxy.inject = undefined;
    const events = await contents(reader, log);
    checkLog(events);
    requests.forEach((request, index) => {
      const [answer, repeat] = [answers[index], repeats[index]];
      if (!answer || !repeat) throw new Error('an append got no answer');
      checkAnswer(request, answer, events);
      checkAnswer(request, repeat, events);
      if (!(answer instanceof Error)) expect(repeat).toEqual({ ...answer, repeated: true });
    });
    expect((await reader.getLog(log)).head).toBe(events.length);
    // The reader has to get there: one that stands still, or that has failed, is a failure.
    await Promise.race([broken, eventually(() => expect(seen.length).toBe(events.length), RUN_MS, 5)]);
    expect(seen).toEqual(events);
  } finally {
    proxy.inject = undefined;
    stop.abort();
    await Promise.allSettled([tailing, ...[...stores, reader].map((store) => store.close())]);
    await Promise.allSettled(pools.map((pool) => pool.end()));
  }
}

/** Milliseconds after which a run counts as stuck. */
const RUN_MS = 15_000;

describe.each<[Isolation, number]>([
  ['read committed', 1],
  ['read committed', 3],
  ['serializable', 2],
])('%s, %i instances', (isolation, instances) => {
  test('concurrent appends with repeats, clashes and crashes leave an exact log, seen once by a tailing reader', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), faults, (steps, planned) =>
        storm(isolation, instances, steps, planned),
      ),
      { numRuns: 10, endOnFailure: true, includeErrorInReport: true },
    );
  });
});

test.each(['BEGIN', 'append-look', 'INSERT', 'COMMIT'])(
  'a connection lost around %s leaves no hole and doubles nothing',
  async (statement) => {
    const log = `C${++runs}`;
    await declareLogs(direct, [log]);
    const pool = createPool({ url: proxy.url, applicationName: 'crash', max: 2 });
    const store = new EventStore(pool, { logs: [log] });
    const pattern = statement === 'append-look' ? /UNION ALL/ : new RegExp(statement);
    const kinds: SqlFault[] = [
      { kind: 'cut-before' },
      { kind: 'cut-after' },
      { kind: 'error', sqlState: '40001' },
      { kind: 'error-after', sqlState: '40003' },
    ];
    let n = 0;
    for (const fault of kinds) {
      let armed = true;
      proxy.inject = ({ sql }) => {
        if (!armed || !pattern.test(sql)) return undefined;
        armed = false;
        return fault;
      };
      const request = requestOf(log, {
        aggregates: [{ id: 0, expected: 'any', events: [++n] }],
        data: 0,
      });
      const answer = await persistently(store, request);
      expect(armed).toBe(false);
      expect(answer).toMatchObject({ events: [{ position: n, version: n }] });
    }
    proxy.inject = undefined;
    checkLog(await contents(store, log));
    await store.close();
    await pool.end();
  },
);

test('a replica that is cut off inside its transaction does not stop the log', async () => {
  const log = `H${++runs}`;
  await declareLogs(direct, [log]);
  const stuck = createPool({
    url: proxy.url,
    applicationName: 'stuck',
    idleInTransactionTimeoutMs: 300,
    statementTimeoutMs: 500,
  });
  const store = new EventStore(stuck, { logs: [log] });
  const holding = new Promise<void>((resolve) => {
    proxy.inject = ({ sql }) => {
      if (!/UNION ALL/.test(sql)) return undefined;
      resolve();
      return { kind: 'black-hole' };
    };
  });
  const lost = store.append(
    requestOf(log, { aggregates: [{ id: 0, expected: 'any', events: [1] }], data: 0 }),
  );
  lost.catch(() => undefined);
  await holding;
  const other = new EventStore(direct, { logs: [log] });
  const request = requestOf(log, { aggregates: [{ id: 1, expected: 'any', events: [2] }], data: 0 });
  expect(await persistently(other, request)).toMatchObject({ events: [{ position: 1 }] });
  proxy.inject = undefined;
  proxy.cutAll();
  expect(await lost).toMatchObject({ events: [{ position: 2 }] });
  await Promise.all([store.close(), other.close()]);
  await stuck.end();
});
