import { Registry } from 'prom-client';
import { runWorkers, TerminalError, WorkersOptions } from './controller';
import { RuntimeMetrics } from './metrics';
import { WorkQueue } from './work-queue';
import { keptLog } from '../test/kept-log';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function start(options: Partial<WorkersOptions> & Pick<WorkersOptions, 'reconcile'>): {
  queue: WorkQueue;
  stop: AbortController;
  ended: Promise<void>;
  log: ReturnType<typeof keptLog>;
  registry: Registry;
} {
  const registry = new Registry();
  const metrics = new RuntimeMetrics(registry);
  const queue = new WorkQueue({ name: 'things', metrics });
  const stop = new AbortController();
  const log = keptLog();
  const ended = runWorkers({
    name: 'things',
    queue,
    concurrency: 2,
    metrics,
    log,
    signal: stop.signal,
    ...options,
  });
  return { queue, stop, ended, log, registry };
}

describe('workers', () => {
  test('work on different keys at once, up to their number', async () => {
    const under = new Set<string>();
    let most = 0;
    const release: (() => void)[] = [];
    const { queue, stop, ended } = start({
      reconcile: async (key) => {
        under.add(key);
        most = Math.max(most, under.size);
        await new Promise<void>((resolve) => release.push(resolve));
        under.delete(key);
      },
    });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await turn();
    expect([...under]).toEqual(['a', 'b']);
    release.forEach((each) => each());
    await turn();
    expect([...under]).toEqual(['c']);
    release.forEach((each) => each());
    stop.abort();
    await ended;
    expect(most).toBe(2);
  });

  test('try again after an error, not after a terminal one, and later when asked to', async () => {
    const calls: string[] = [];
    const { queue, stop, ended, log, registry } = start({
      reconcile: (key) => {
        calls.push(key);
        const count = calls.filter((each) => each === key).length;
        if (key === 'fails' && count === 1) throw new Error('away');
        if (key === 'hopeless') throw new TerminalError('never');
        return Promise.resolve(key === 'later' && count === 1 ? { requeueAfterMs: 20 } : undefined);
      },
    });
    for (const key of ['fails', 'hopeless', 'later']) queue.add(key);
    while (calls.length < 5) await turn();
    await turn();
    stop.abort();
    await ended;
    expect(calls).toEqual(['fails', 'hopeless', 'later', 'fails', 'later']);
    const text = await registry.metrics();
    const total = (result: string): string =>
      `controller_runtime_reconcile_total{controller="things",result="${result}"}`;
    expect(text).toContain(`${total('success')} 2`);
    expect(text).toContain(`${total('error')} 1`);
    expect(text).toContain(`${total('terminal')} 1`);
    expect(text).toContain(`${total('requeue_after')} 1`);
    expect(text).toContain('controller_runtime_active_workers{controller="things"} 0');
    expect(log.lines.map((line) => line.split(' {')[0])).toEqual([
      'warn: the work failed and is tried again',
      'error: this stays so until the object changes',
    ]);
  });

  test('end the work under way in peace, take no new key, and leave no timer', async () => {
    let finish: () => void = () => undefined;
    const seen: string[] = [];
    const { queue, stop, ended } = start({
      concurrency: 1,
      reconcile: async (key, signal) => {
        seen.push(key);
        await new Promise<void>((resolve) => (finish = resolve));
        seen.push(signal.aborted ? 'cut' : 'whole');
      },
    });
    queue.add('a');
    queue.add('b');
    await turn();
    stop.abort();
    await turn();
    finish();
    await ended;
    expect(seen).toEqual(['a', 'whole']);
    queue.add('c');
    expect(queue.depth).toBe(0);
  });

  test('cut off work that does not end in time after the stop', async () => {
    const reasons: unknown[] = [];
    const { queue, stop, ended } = start({
      drainMs: 10,
      reconcile: (_key, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            reject(new Error('cut'));
          }),
        ),
    });
    queue.add('a');
    await turn();
    stop.abort(new Error('leadership is lost'));
    await ended;
    expect(reasons).toEqual([new Error('leadership is lost')]);
  });

  test('cut off work that takes longer than it may, and try it again', async () => {
    let calls = 0;
    const { queue, stop, ended, log } = start({
      timeoutMs: 10,
      reconcile: async (_key, signal) => {
        if (calls++ > 0) return;
        await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      },
    });
    queue.add('a');
    while (calls < 2) await turn();
    stop.abort();
    await ended;
    expect(log.lines).toHaveLength(1);
    expect(calls).toBe(2);
  });
});
