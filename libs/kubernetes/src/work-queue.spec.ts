import * as fc from 'fast-check';
import { Registry } from 'prom-client';
import { RuntimeMetrics } from './metrics';
import { WorkQueue } from './work-queue';

const never = new AbortController().signal;

describe('a work queue', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const taken = async (queue: WorkQueue): Promise<string | undefined> => {
    if (queue.depth === 0) return undefined;
    return queue.next(never);
  };

  test('gives keys in order, each once however often it was added', async () => {
    const queue = new WorkQueue({ name: 'q' });
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(queue.depth).toBe(3);
    expect([await queue.next(never), await queue.next(never), await queue.next(never)]).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  test('keeps a key from a second worker, and brings it again when it changed meanwhile', async () => {
    const queue = new WorkQueue({ name: 'q' });
    queue.add('a');
    await queue.next(never);
    queue.add('a');
    queue.add('a');
    expect(queue.depth).toBe(0);
    queue.done('a');
    expect(queue.depth).toBe(1);
    expect(await queue.next(never)).toBe('a');
    queue.done('a');
    expect(queue.depth).toBe(0);
  });

  test('hands a key to a worker that waits already', async () => {
    const queue = new WorkQueue({ name: 'q' });
    const waiting = [queue.next(never), queue.next(never)];
    queue.add('a');
    queue.add('b');
    expect(await Promise.all(waiting)).toEqual(['a', 'b']);
    expect(queue.inFlight).toBe(2);
  });

  test('waits twice as long after each failure, 30 s at most, and from the start after forget', async () => {
    const queue = new WorkQueue({ name: 'q' });
    const delays: number[] = [];
    for (let failure = 0; failure < 16; failure++) {
      queue.addRateLimited('a');
      const before = Date.now();
      jest.advanceTimersToNextTimer();
      delays.push(Date.now() - before);
      expect(await taken(queue)).toBe('a');
      queue.done('a');
    }
    expect(delays.slice(0, 5)).toEqual([5, 10, 20, 40, 80]);
    expect(delays.slice(-3)).toEqual([30_000, 30_000, 30_000]);
    queue.forget('a');
    queue.addRateLimited('a');
    jest.advanceTimersByTime(5);
    expect(await taken(queue)).toBe('a');
  });

  test('of two delays of a key the earlier holds, and a change ends both', async () => {
    const queue = new WorkQueue({ name: 'q' });
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 5_000);
    queue.addAfter('b', 5_000);
    queue.addAfter('b', 1_000);
    jest.advanceTimersByTime(1_000);
    expect([await taken(queue), await taken(queue)].sort()).toEqual(['a', 'b']);
    queue.done('a');
    queue.addAfter('a', 60_000);
    queue.add('a');
    expect(await taken(queue)).toBe('a');
    queue.done('a');
    jest.advanceTimersByTime(120_000);
    expect(queue.depth).toBe(0);
  });

  test('an outage that is over ends all delays', async () => {
    const queue = new WorkQueue({ name: 'q' });
    for (const key of ['a', 'b']) queue.addAfter(key, 30_000);
    queue.addDelayed();
    expect(queue.depth).toBe(2);
    expect(queue.delayedCount).toBe(0);
    await taken(queue);
  });

  test('an abort takes the waiting worker away and loses no key', async () => {
    const queue = new WorkQueue({ name: 'q' });
    const abort = new AbortController();
    const waiting = queue.next(abort.signal);
    abort.abort(new Error('stop'));
    await expect(waiting).rejects.toThrow('stop');
    queue.add('a');
    expect(await queue.next(never)).toBe('a');
    await expect(queue.next(abort.signal)).rejects.toThrow('stop');
  });

  test('closed, it ends its timers and its waiting workers', async () => {
    const queue = new WorkQueue({ name: 'q' });
    queue.addAfter('a', 1_000);
    const waiting = queue.next(never);
    queue.close();
    await expect(waiting).rejects.toThrow('closed');
    expect(jest.getTimerCount()).toBe(0);
    queue.add('a');
    expect(queue.depth).toBe(0);
  });

  test('measures under the names that dashboards know', async () => {
    const registry = new Registry();
    const queue = new WorkQueue({ name: 'q', metrics: new RuntimeMetrics(registry) });
    queue.add('a');
    queue.add('b');
    queue.add('b');
    await queue.next(never);
    queue.addRateLimited('a');
    jest.advanceTimersByTime(2_000);
    queue.measure();
    const text = await registry.metrics();
    expect(text).toContain('workqueue_depth{name="q"} 1');
    expect(text).toContain('workqueue_adds_total{name="q"} 3');
    expect(text).toContain('workqueue_retries_total{name="q"} 1');
    expect(text).toContain('workqueue_unfinished_work_seconds{name="q"} 2');
    expect(text).toContain('workqueue_queue_duration_seconds_count{name="q"} 1');
  });

  /** What a queue must do, in its simplest words: a change is followed by work that began after it. */
  test('whatever happens, no change is lost and no key is with two workers', async () => {
    const key = fc.constantFrom('a', 'b', 'c');
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key }),
      fc.record({ do: fc.constant('addAfter' as const), key, ms: fc.integer({ min: -5, max: 2_000 }) }),
      fc.record({ do: fc.constant('fail' as const), key }),
      fc.record({ do: fc.constant('take' as const) }),
      fc.record({ do: fc.constant('done' as const), key }),
      fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 1_000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const queue = new WorkQueue({ name: 'q' });
        const unseen = new Set<string>();
        const working = new Set<string>();
        const take = async (): Promise<void> => {
          const got = await taken(queue);
          if (got === undefined) return;
          expect(working.has(got)).toBe(false);
          working.add(got);
          unseen.delete(got);
        };
        const finish = (done: string): void => {
          if (working.delete(done)) queue.done(done);
        };
        for (const now of steps) {
          switch (now.do) {
            case 'add':
              queue.add(now.key);
              unseen.add(now.key);
              break;
            case 'addAfter':
              queue.addAfter(now.key, now.ms);
              unseen.add(now.key);
              break;
            case 'fail':
              if (!working.has(now.key)) break;
              queue.addRateLimited(now.key);
              unseen.add(now.key);
              finish(now.key);
              break;
            case 'take':
              await take();
              break;
            case 'done':
              finish(now.key);
              break;
            case 'pass':
              jest.advanceTimersByTime(now.ms);
              break;
          }
        }
        for (let round = 0; round < 10; round++) {
          for (const each of [...working]) finish(each);
          jest.advanceTimersByTime(60_000);
          while (queue.depth > 0) await take();
        }
        expect([...unseen]).toEqual([]);
        expect(jest.getTimerCount()).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
