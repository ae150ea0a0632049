import {
  describeWithControlPlane,
  eventually,
  startTestControlPlane,
  TestControlPlane,
} from '@headwater/testing';
import { Registry } from 'prom-client';
import { clientOf, grant, Widget, WIDGET, WIDGET_CRD, widget } from '../test/fixture';
import { keptLog } from '../test/kept-log';
import { EVENT } from './event-recorder';
import {
  addFinalizer,
  EventRecorder,
  EventRecorderOptions,
  hasFinalizer,
  KubernetesClient,
  KubernetesObject,
  RecordedEvent,
  removeFinalizer,
  RuntimeMetrics,
  StatusWriter,
} from './index';

describeWithControlPlane('what a controller writes', () => {
  let control: TestControlPlane;
  let client: KubernetesClient;
  let namespace: string;
  beforeAll(async () => {
    control = await startTestControlPlane();
    await control.installCrds(WIDGET_CRD);
    client = clientOf(control.admin);
  });
  beforeEach(async () => {
    namespace = await control.createNamespace();
  });
  afterAll(async () => {
    await client.close();
    await control.stop();
  });
  const make = (name = 'a'): Promise<Widget> => client.create<Widget>(WIDGET, widget(namespace, name));
  const read = async (name = 'a'): Promise<Widget> => {
    const found = await client.get<Widget>(WIDGET, { namespace, name });
    if (!found) throw new Error(`there is no ${name}`);
    return found;
  };

  describe('finalizers', () => {
    const OURS = 'test.headwater.dev/ours';
    const FOREIGN = 'example.com/foreign';
    const addForeign = (): Promise<KubernetesObject> =>
      client.patch(WIDGET, { namespace, name: 'a' }, { metadata: { finalizers: [FOREIGN] } });

    test('are added once and removed, and cost nothing when they are right', async () => {
      const added = await addFinalizer(client, WIDGET, await make(), OURS);
      expect(added && hasFinalizer(added, OURS)).toBe(true);
      if (!added) return;
      expect(await addFinalizer(client, WIDGET, added, OURS)).toBe(added);
      const removed = await removeFinalizer(client, WIDGET, added, OURS);
      expect(removed?.metadata.finalizers).toBeUndefined();
      expect(removed && (await removeFinalizer(client, WIDGET, removed, OURS))).toBe(removed);
    });

    test('of others stay, also when they came after what we have read', async () => {
      const stale = await make();
      await addForeign();
      const added = await addFinalizer(client, WIDGET, stale, OURS);
      expect(added?.metadata.finalizers).toEqual([FOREIGN, OURS]);
      const third = 'example.com/third';
      await client.patch(WIDGET, stale.metadata, { metadata: { finalizers: [FOREIGN, OURS, third] } });
      const removed = added && (await removeFinalizer(client, WIDGET, added, OURS));
      expect(removed?.metadata.finalizers).toEqual([FOREIGN, third]);
    });

    test('go away also when a manifest that somebody applied lists them', async () => {
      const manifest = { metadata: { namespace, name: 'a', finalizers: [OURS] }, spec: {} };
      const applied = await client.apply<Widget>(WIDGET, manifest, { fieldManager: 'kubectl' });
      const removed = await removeFinalizer(client, WIDGET, applied, OURS);
      expect(removed?.metadata.finalizers).toBeUndefined();
    });

    test('let a deletion through when the last is removed', async () => {
      const added = await addFinalizer(client, WIDGET, await make(), OURS);
      await client.delete(WIDGET, { namespace, name: 'a' });
      const terminating = await read();
      expect(terminating.metadata.deletionTimestamp).toBeDefined();
      // None may be added to an object that is being deleted; it is not even tried.
      expect(await addFinalizer(client, WIDGET, terminating, FOREIGN)).toBe(terminating);
      expect(added && (await removeFinalizer(client, WIDGET, added, OURS))).toBeDefined();
      expect(await client.get(WIDGET, { namespace, name: 'a' })).toBeUndefined();
    });

    test('are not given to a successor of the same name, nor does one come into being', async () => {
      const old = await make();
      await client.delete(WIDGET, old.metadata);
      expect(await addFinalizer(client, WIDGET, old, OURS)).toBeUndefined();
      expect(await client.get(WIDGET, old.metadata)).toBeUndefined();
      await make();
      expect(await addFinalizer(client, WIDGET, old, OURS)).toBeUndefined();
      expect((await read()).metadata.finalizers).toBeUndefined();
    });
  });

  describe('statuses', () => {
    const writer = (): StatusWriter => new StatusWriter({ client, type: WIDGET, fieldManager: 'test' });

    test('are written when they differ, and not otherwise', async () => {
      const statuses = writer();
      const made = await make();
      expect(await statuses.write(made, { size: 1 })).toBe(true);
      // The cache has not seen it yet; what was written last counts.
      expect(await statuses.write(made, { size: 1 })).toBe(false);
      const seen = await read();
      expect(seen.status).toEqual({ size: 1 });
      expect(await statuses.write(seen, { size: 1 })).toBe(false);
      expect((await read()).metadata.resourceVersion).toBe(seen.metadata.resourceVersion);
      // Another process, which has written nothing itself, sees it in its cache.
      expect(await writer().write(seen, { size: 1 })).toBe(false);
    });

    test('go back to what a lagging cache still shows', async () => {
      const statuses = writer();
      await statuses.write(await make(), { size: 1 });
      const cached = await read();
      expect(await statuses.write(cached, { size: 2 })).toBe(true);
      expect(await statuses.write(cached, { size: 1 })).toBe(true);
      expect((await read()).status).toEqual({ size: 1 });
    });

    test('are mended when somebody else changed them', async () => {
      const statuses = writer();
      await statuses.write(await make(), { size: 1 });
      await client.patch(
        WIDGET,
        { namespace, name: 'a' },
        { status: { size: 7 } },
        { subresource: 'status' },
      );
      expect(await statuses.write(await read(), { size: 1 })).toBe(true);
      expect((await read()).status).toEqual({ size: 1 });
    });

    test('reach an object whose spec was edited meanwhile, and leave the edit', async () => {
      const made = await make();
      await client.patch(WIDGET, made.metadata, { spec: { size: 5 } });
      expect(await writer().write(made, { size: 1 })).toBe(true);
      expect(await read()).toMatchObject({ spec: { size: 5 }, status: { size: 1 } });
    });

    test('of an object that is gone are dropped, and its successor gets none', async () => {
      const old = await make();
      await client.delete(WIDGET, old.metadata);
      expect(await writer().write(old, { size: 1 })).toBe(false);
      await make();
      await expect(writer().write(old, { size: 1 })).rejects.toMatchObject({ status: 409 });
      expect((await read()).status).toBeUndefined();
    });
  });

  describe('events', () => {
    const happened: RecordedEvent = {
      type: 'Normal',
      reason: 'Adopted',
      action: 'Reconcile',
      note: 'it was there already',
    };
    interface Written extends KubernetesObject {
      note: string;
      series?: { count: number };
      regarding: object;
      reportingController: string;
    }
    const written = async (where = namespace): Promise<Written[]> =>
      (await client.list<Written>(EVENT, { namespace: where })).items;
    function recorder(options: Partial<EventRecorderOptions> = {}): {
      recorder: EventRecorder;
      count: (result: string) => Promise<number>;
      log: ReturnType<typeof keptLog>;
    } {
      const registry = new Registry();
      const metrics = new RuntimeMetrics(registry);
      const log = keptLog();
      const made = new EventRecorder({
        client,
        controller: 'test.headwater.dev/widgets',
        instance: 'pod-1',
        metrics,
        log,
        ...options,
      });
      const count = async (result: string): Promise<number> =>
        (await metrics.events.get()).values.find(({ labels }) => labels.result === result)?.value ?? 0;
      return { recorder: made, count, log };
    }

    test('say what they are about, in the object’s namespace', async () => {
      const made = await make();
      const { recorder: events } = recorder();
      events.event(made, { ...happened, related: made });
      await events.close();
      const { uid, resourceVersion } = made.metadata;
      expect(await written()).toEqual([
        expect.objectContaining({
          type: 'Normal',
          reason: 'Adopted',
          action: 'Reconcile',
          note: 'it was there already',
          reportingController: 'test.headwater.dev/widgets',
          reportingInstance: 'pod-1',
          regarding: {
            apiVersion: 'test.headwater.dev/v1',
            kind: 'Widget',
            namespace,
            name: 'a',
            uid,
            resourceVersion,
          },
        }),
      ]);
    });

    test('that repeat become one with a count; others stay apart', async () => {
      const made = await make();
      const { recorder: events, count } = recorder({ firstRepeatMs: 50 });
      for (let i = 0; i < 3; i++) events.event(made, happened);
      events.event(made, { ...happened, note: 'another' });
      await eventually(async () => expect(await count('counted')).toBe(1));
      for (let i = 0; i < 4; i++) events.event(made, happened);
      await events.close();
      const found = await written();
      expect(found.map(({ note, series }) => [note, series?.count]).sort()).toEqual([
        ['another', undefined],
        ['it was there already', 7],
      ]);
      // Seven times, three writes: the first, the count soon after, the count at the end.
      expect([await count('created'), await count('counted')]).toEqual([2, 2]);
    });

    test('of one object are limited, and do not take from those of others', async () => {
      const noisy = await make('noisy');
      const quiet = await make('quiet');
      const { recorder: events, count } = recorder({ burst: 3 });
      for (let i = 0; i < 10; i++) events.event(noisy, { ...happened, note: `number ${i}` });
      events.event(quiet, happened);
      await events.close();
      expect((await written()).map(({ note }) => note).sort()).toEqual([
        'it was there already',
        'number 0',
        'number 1',
        'number 2',
      ]);
      expect(await count('dropped')).toBe(7);
    });

    test('that tell nothing bad are limited in all, and warnings are not', async () => {
      const made = await Promise.all(['a', 'b', 'c'].map((name) => make(name)));
      const { recorder: events, count } = recorder({ normalBurst: 1 });
      for (const object of made) {
        events.event(object, happened);
        events.event(object, { ...happened, type: 'Warning', note: 'it is ill' });
      }
      await events.close();
      const notes = (await written()).map(({ note }) => note).sort();
      expect(notes).toEqual(['it is ill', 'it is ill', 'it is ill', 'it was there already']);
      expect(await count('dropped')).toBe(2);
    });

    test('are written anew when the server has thrown the first one away', async () => {
      const made = await make();
      const { recorder: events } = recorder();
      events.event(made, happened);
      await events.flush();
      const [first] = await written();
      await client.delete(EVENT, { namespace, name: first?.metadata.name ?? '' });
      events.event(made, happened);
      await events.close();
      expect((await written()).map(({ series }) => series?.count)).toEqual([2]);
    });

    test('with notes and words that are too long are cut, not refused', async () => {
      const { recorder: events } = recorder();
      events.event(await make(), { ...happened, note: 'ü'.repeat(2_000), action: 'x'.repeat(300) });
      await events.close();
      expect((await written()).map(({ note }) => note.length)).toEqual([511]);
    });

    test('of an object of the cluster are in the namespace default', async () => {
      await client
        .create(
          { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false },
          {
            apiVersion: 'v1',
            kind: 'Namespace',
            metadata: { name: 'default' },
          },
        )
        .catch(() => undefined);
      const { recorder: events } = recorder();
      events.event(
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, uid: 'u' } },
        happened,
      );
      await events.close();
      expect((await written('default')).map(({ regarding }) => regarding)).toContainEqual(
        expect.objectContaining({ kind: 'Namespace', name: namespace }),
      );
    });

    test('that may not be written are given up with a line; with create and patch they may', async () => {
      const account = clientOf(await control.serviceAccount(namespace, 'teller'));
      const made = await make();
      const refused = recorder({ client: account });
      refused.recorder.event(made, happened);
      await refused.recorder.close();
      expect(await refused.count('failed')).toBe(1);
      expect(refused.log.lines.join()).toContain('an event is lost');
      const verbs = ['create', 'patch'];
      await grant(control, namespace, 'teller', [{ apiGroups: [EVENT.group], resources: ['events'], verbs }]);
      await eventually(async () => {
        const granted = recorder({ client: account });
        granted.recorder.event(made, happened);
        await granted.recorder.flush();
        granted.recorder.event(made, happened);
        await granted.recorder.close();
        expect([await granted.count('created'), await granted.count('counted')]).toEqual([1, 1]);
      });
      await account.close();
    });

    test('never hold up their caller nor its end while the server is away', async () => {
      const made = await make();
      await control.kill();
      const { recorder: events, count } = recorder();
      for (let i = 0; i < 5; i++) events.event(made, { ...happened, note: `number ${i}` });
      await events.close(100);
      events.event(made, happened);
      expect(await count('created')).toBe(0);
      await control.restart();
      expect(await written()).toEqual([]);
    });
  });
});
