import { Registry } from 'prom-client';
import {
  describeWithControlPlane,
  eventually,
  startTcpProxy,
  startTestControlPlane,
  TestControlPlane,
} from '@headwater/testing';
import { clientOf, grant } from '../test/fixture';
import { keptLog } from '../test/kept-log';
import {
  KubernetesClient,
  LeaderElectionOptions,
  LeadershipLostError,
  runLeaderElection,
  RuntimeMetrics,
} from './index';
import { Lease, LEASE } from './lease';

/** Soon lost; a lease has whole seconds. */
const QUICK = { leaseMs: 1_000, renewMs: 700, retryMs: 100 };
/** Where it must be kept, also by a machine that has much else to do. */
const STEADY = { leaseMs: 3_000, renewMs: 2_800, retryMs: 100 };

describeWithControlPlane('leader election', () => {
  let control: TestControlPlane;
  let admin: KubernetesClient;
  let namespace: string;
  const ends: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    control = await startTestControlPlane();
    admin = clientOf(control.admin);
  });
  beforeEach(async () => {
    namespace = await control.createNamespace();
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });
  afterAll(async () => {
    await admin.close();
    await control.stop();
  });

  /** Everything that happened, in order. */
  let story: string[] = [];
  beforeEach(() => {
    story = [];
  });
  /** Who is leading at the moment; more than one at once is the failure that all of this must prevent. */
  const leading = new Set<string>();

  interface Standing {
    stop: AbortController;
    ended: Promise<unknown>;
    log: ReturnType<typeof keptLog>;
  }

  function stand(identity: string, options: Partial<LeaderElectionOptions> = {}): Standing {
    const stop = new AbortController();
    const log = keptLog();
    const ended = runLeaderElection({
      client: admin,
      namespace,
      name: 'leader',
      identity,
      ...STEADY,
      signal: stop.signal,
      log,
      lead: async (signal) => {
        leading.add(identity);
        story.push(`${identity} leads${leading.size > 1 ? ' TOO' : ''}`);
        await new Promise<void>((resolve) => {
          if (signal.aborted) return resolve();
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
        leading.delete(identity);
        story.push(`${identity} ends`);
      },
      ...options,
    }).catch((error: unknown) => error);
    ends.push(() => {
      stop.abort();
      return ended;
    });
    return { stop, ended, log };
  }
  const lease = async (): Promise<Lease['spec'] | undefined> =>
    (await admin.get<Lease>(LEASE, { namespace, name: 'leader' }))?.spec;

  test('one of three leads; when it stops, another goes on before the lease would have ended', async () => {
    const all = { a: stand('a'), b: stand('b'), c: stand('c') };
    await eventually(() => expect(story).toHaveLength(1));
    const order: string[] = [];
    for (let turn = 1; turn <= 3; turn++) {
      const [first] = leading;
      if (first !== 'a' && first !== 'b' && first !== 'c') throw new Error('nobody leads');
      order.push(first);
      all[first].stop.abort();
      expect(await all[first].ended).toBeUndefined();
      if (turn < 3) await eventually(() => expect(leading.size).toBe(1));
    }
    expect(order.sort()).toEqual(['a', 'b', 'c']);
    expect(story.join()).not.toContain('TOO');
    expect(await lease()).toMatchObject({ holderIdentity: '', leaseTransitions: 2 });
  });

  test('a leader goes on leading, and the rest go on waiting', async () => {
    stand('a');
    await eventually(() => expect(story).toEqual(['a leads']));
    const { log } = stand('b');
    const first = (await lease())?.renewTime;
    // Longer than the lease.
    await eventually(async () => {
      const renewTime = (await lease())?.renewTime ?? '';
      expect(Date.parse(renewTime) - Date.parse(first ?? '')).toBeGreaterThan(4_000);
    });
    expect(story).toEqual(['a leads']);
    expect(log.lines).toEqual([]);
  });

  test('the work ends before the lease is given back', async () => {
    let finish: () => void = () => undefined;
    const stopping = stand('a', {
      lead: async (signal) => {
        story.push('a leads');
        await new Promise<void>((resolve) => (finish = resolve));
        story.push(`a ends${signal.aborted ? '' : ' unasked'}`);
      },
    });
    await eventually(() => expect(story).toEqual(['a leads']));
    stand('b');
    stopping.stop.abort();
    const before = Date.parse((await lease())?.renewTime ?? '');
    // It is renewed for as long as the work lasts, though it was told to stop.
    await eventually(async () => {
      expect(Date.parse((await lease())?.renewTime ?? '') - before).toBeGreaterThan(3_500);
    });
    finish();
    await eventually(() => expect(story).toEqual(['a leads', 'a ends', 'b leads']));
  });

  test('a leader that is cut off stops before another may lead, and says so', async () => {
    const proxy = await startTcpProxy(Number(new URL(control.url).port));
    // What is being connected when the client is closed is waited for.
    const client = clientOf(control.admin, { port: proxy.port, connectTimeoutMs: 500 });
    const registry = new Registry();
    const metrics = new RuntimeMetrics(registry);
    const lost: string[] = [];
    const cutOff = stand('a', { ...QUICK, client, metrics, onLost: () => lost.push('lost') });
    await eventually(() => expect(story).toEqual(['a leads']));
    expect(await registry.metrics()).toContain('leader_election_master_status{name="leader"} 1');
    stand('b');
    proxy.freezeAll();
    const error = await cutOff.ended;
    expect(error).toBeInstanceOf(LeadershipLostError);
    expect(String(error)).toContain('a lost the lease leader: it could not be renewed for 0.7 s');
    expect(await registry.metrics()).toContain('leader_election_master_status{name="leader"} 0');
    expect(lost).toEqual(['lost']);
    expect(leading.has('a')).toBe(false);
    await eventually(() => expect(story).toEqual(['a leads', 'a ends', 'b leads']));
    await client.close();
    await proxy.close();
  });

  test('one connection that goes silent does not cost leadership', async () => {
    const proxy = await startTcpProxy(Number(new URL(control.url).port));
    const client = clientOf(control.admin, { port: proxy.port });
    // Roomier, so that a slow machine has time for a new connection.
    const { log } = stand('a', { client, leaseMs: 9_000, renewMs: 8_000, retryMs: 100 });
    await eventually(() => expect(story).toEqual(['a leads']));
    const before = (await lease())?.renewTime;
    proxy.freeze();
    await eventually(() => expect(log.lines.join()).toContain('could not be had or renewed'));
    await eventually(async () => expect((await lease())?.renewTime).not.toBe(before));
    expect(story).toEqual(['a leads']);
    for (const end of ends.splice(0)) await end();
    await client.close();
    await proxy.close();
  });

  test('a short outage of the API server costs nothing', async () => {
    const { log } = stand('a', { leaseMs: 30_000, renewMs: 29_000, retryMs: 100 });
    await eventually(() => expect(story).toEqual(['a leads']));
    await control.kill();
    await eventually(() => expect(log.lines.join()).toContain('could not be had or renewed'));
    await control.restart();
    const before = (await lease())?.renewTime;
    await eventually(async () => expect((await lease())?.renewTime).not.toBe(before));
    expect(story).toEqual(['a leads']);
  });

  test('clocks that are hours apart make no difference', async () => {
    const hours = (count: number) => () => new Date(Date.now() + count * 3_600_000);
    const first = stand('past', { wallClock: hours(-5) });
    await eventually(() => expect(story).toEqual(['past leads']));
    stand('future', { wallClock: hours(5) });
    const before = (await lease())?.renewTime ?? '';
    await eventually(async () => {
      expect(Date.parse((await lease())?.renewTime ?? '') - Date.parse(before)).toBeGreaterThan(1_500);
    });
    expect(story).toEqual(['past leads']);
    first.stop.abort();
    await eventually(() => expect(story).toEqual(['past leads', 'past ends', 'future leads']));
    expect(Date.parse((await lease())?.renewTime ?? '')).toBeGreaterThan(Date.now() + 3_600_000);
  });

  test('the lease of a leader that was killed is taken when it is over, not before', async () => {
    const spec = {
      holderIdentity: 'killed',
      leaseDurationSeconds: 1,
      renewTime: '2099-01-01T00:00:00.000000Z',
      leaseTransitions: 4,
    };
    const metadata = { namespace, name: 'leader' };
    await admin.create<Lease>(LEASE, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata,
      spec,
    });
    const startedAt = performance.now();
    stand('b');
    await eventually(() => expect(story).toEqual(['b leads']));
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_000);
    expect(await lease()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 5 });
  });

  test('a lease that somebody else takes by force is lost at once', async () => {
    const robbed = stand('a');
    await eventually(() => expect(story).toEqual(['a leads']));
    const rob = (): Promise<unknown> =>
      admin.patch(LEASE, { namespace, name: 'leader' }, { spec: { holderIdentity: 'thief' } });
    await rob();
    expect(String(await robbed.ended)).toContain('thief holds it now');
    expect(story).toEqual(['a leads', 'a ends']);
    expect(await lease()).toMatchObject({ holderIdentity: 'thief' });
  });

  test('work that fails or ends by itself gives the lease back', async () => {
    const failed = stand('a', { lead: () => Promise.reject(new Error('broken')) });
    expect(String(await failed.ended)).toContain('broken');
    expect(await lease()).toMatchObject({ holderIdentity: '' });
    const done = stand('b', { lead: () => Promise.resolve() });
    expect(await done.ended).toBeUndefined();
    expect(await lease()).toMatchObject({ holderIdentity: '' });
  });

  test('needs get, create and update of leases, and no more', async () => {
    const client = clientOf(await control.serviceAccount(namespace, 'candidate'));
    await grant(control, namespace, 'candidate', [
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
    ]);
    const first = stand('a', { client });
    await eventually(() => expect(story).toEqual(['a leads']));
    first.stop.abort();
    await first.ended;
    expect(await lease()).toMatchObject({ holderIdentity: '' });
    await client.close();
  });

  test('times that can not work are refused', async () => {
    const refused = stand('a', { leaseMs: 1_000, renewMs: 1_000 });
    expect(String(await refused.ended)).toContain('needs retryMs < renewMs < leaseMs');
  });
});
