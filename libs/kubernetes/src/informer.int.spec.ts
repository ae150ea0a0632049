import {
  describeWithControlPlane,
  eventually,
  startTcpProxy,
  startTestControlPlane,
  TcpProxy,
  TestControlPlane,
} from '@headwater/testing';
import { clientOf, grant, Widget, WIDGET, WIDGET_CRD, widget } from '../test/fixture';
import { keptLog } from '../test/kept-log';
import {
  Informer,
  InformerOptions,
  KubernetesClient,
  KubernetesObject,
  ListOptions,
  ObjectList,
  ResourceType,
  tokenAccess,
} from './index';

describeWithControlPlane('an informer against a real API server', () => {
  let control: TestControlPlane;
  let admin: KubernetesClient;
  let proxy: TcpProxy;
  let namespace: string;
  const ends: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    control = await startTestControlPlane();
    await control.installCrds(WIDGET_CRD);
    admin = clientOf(control.admin);
    proxy = await startTcpProxy(Number(new URL(control.url).port));
  });
  beforeEach(async () => {
    namespace = await control.createNamespace();
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });
  afterAll(async () => {
    await admin.close();
    await proxy.close();
    await control.stop();
  });

  /** One that runs through the proxy, with what it told. */
  function start(options: Partial<InformerOptions<Widget>> = {}): {
    informer: Informer<Widget>;
    told: string[];
    log: ReturnType<typeof keptLog>;
  } {
    const client = clientOf(control.admin, { port: proxy.port });
    const log = keptLog();
    const informer = new Informer<Widget>({ client, type: WIDGET, namespace, log, ...options });
    const told: string[] = [];
    informer.onChange((change) => told.push(`${change.type} ${change.object.metadata.name}`));
    const stop = new AbortController();
    const running = informer.run(stop.signal);
    ends.push(async () => {
      stop.abort();
      await running;
      await client.close();
    });
    return { informer, told, log };
  }
  const make = (name: string, size = 1): Promise<Widget> =>
    admin.create<Widget>(WIDGET, widget(namespace, name, { size }));
  const names = (informer: Informer<Widget>): string[] =>
    informer
      .list()
      .map(({ metadata }) => metadata.name)
      .sort();

  test('sees what is there, in pages, and then every change', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await make(name);
    const { informer, told } = start({ pageSize: 2 });
    expect(informer.hasSynced).toBe(false);
    await informer.synced;
    expect(names(informer)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(told).toEqual(['added a', 'added b', 'added c', 'added d', 'added e']);

    await make('f');
    await admin.patch(WIDGET, { namespace, name: 'a' }, { spec: { size: 7 } });
    await admin.delete(WIDGET, { namespace, name: 'b' });
    await eventually(() => expect(told.slice(5)).toEqual(['added f', 'updated a', 'deleted b']));
    expect(informer.get(`${namespace}/a`)?.spec).toEqual({ size: 7 });
    expect(informer.get(`${namespace}/b`)).toBeUndefined();
  });

  test('sees one namespace, or those that a selector selects', async () => {
    const other = await control.createNamespace();
    await admin.create<Widget>(WIDGET, widget(other, 'elsewhere'));
    await make('plain');
    const labelled = widget(namespace, 'chosen');
    await admin.create<Widget>(WIDGET, {
      ...labelled,
      metadata: { ...labelled.metadata, labels: { pick: 'me' } },
    });
    const selected = start({ labelSelector: 'pick=me' }).informer;
    const named = start({ fieldSelector: 'metadata.name=plain' }).informer;
    await Promise.all([selected.synced, named.synced]);
    expect([names(selected), names(named)]).toEqual([['chosen'], ['plain']]);
    // An object that no longer matches is gone for this informer.
    await admin.patch(WIDGET, { namespace, name: 'chosen' }, { metadata: { labels: { pick: null } } });
    await eventually(() => expect(names(selected)).toEqual([]));
  });

  test('notices a connection that was cut without a word, and misses nothing', async () => {
    await make('a');
    const { informer, told } = start({ inactivityMs: 3_000 });
    await informer.synced;
    await make('b');
    await eventually(() => expect(names(informer)).toEqual(['a', 'b']));
    const before = proxy.accepted;
    proxy.freeze();
    await make('c');
    await admin.delete(WIDGET, { namespace, name: 'a' });
    await eventually(() => expect(names(informer)).toEqual(['b', 'c']));
    expect(proxy.accepted).toBeGreaterThan(before);
    expect(told.slice(-2)).toEqual(['added c', 'deleted a']);
    proxy.thaw();
  });

  test('goes on where it was after connections were reset', async () => {
    const { informer, told } = start();
    await informer.synced;
    await make('a');
    await eventually(() => expect(told).toEqual(['added a']));
    proxy.cutAll();
    await make('b');
    await eventually(() => expect(told).toEqual(['added a', 'added b']));
  });

  test('an API server that restarts loses it nothing, not even a deletion meanwhile', async () => {
    await make('stays');
    await make('goes');
    const { informer, told, log } = start();
    await informer.synced;
    proxy.freezeAll();
    proxy.cutAll();
    await admin.delete(WIDGET, { namespace, name: 'goes' });
    await admin.patch(WIDGET, { namespace, name: 'stays' }, { spec: { size: 2 } });
    await control.kill();
    await control.restart();
    proxy.thaw();
    await make('comes');
    await eventually(() => expect(names(informer)).toEqual(['comes', 'stays']));
    await eventually(() => expect(informer.get(`${namespace}/stays`)?.spec).toEqual({ size: 2 }));
    expect(told.filter((line) => line === 'deleted goes')).toHaveLength(1);
    expect(told.filter((line) => line === 'added stays')).toHaveLength(1);
    expect(log.lines.some((line) => line.includes('watching failed and is tried again'))).toBe(true);
  });

  test('lists again when what it knows is too old, and tells the difference', async () => {
    await make('a');
    await make('b');
    const { informer, told, log } = start();
    await informer.synced;
    // While it can not be reached, everything changes and the history is thrown away.
    proxy.freezeAll();
    proxy.cutAll();
    await admin.delete(WIDGET, { namespace, name: 'a' });
    await admin.delete(WIDGET, { namespace, name: 'b' });
    const again = await make('b', 5);
    await make('c');
    await control.kill();
    await control.compact();
    await control.restart();
    proxy.thaw();
    await eventually(() => expect(names(informer)).toEqual(['b', 'c']));
    expect(informer.get(`${namespace}/b`)?.metadata.uid).toBe(again.metadata.uid);
    expect(told.slice(2).sort()).toEqual(['added b', 'added c', 'deleted a', 'deleted b']);
    expect(log.lines.some((line) => line.includes('fell behind'))).toBe(true);
  });

  test('pages that are lost to a compaction are fetched in one piece', async () => {
    for (let i = 0; i < 4; i++) await make(`w${i}`);
    const asked: string[] = [];
    class Interrupted extends KubernetesClient {
      override async list<T extends KubernetesObject>(
        type: ResourceType,
        options: ListOptions,
      ): Promise<ObjectList<T>> {
        asked.push(`${options.limit ?? 'all'}${options.continue === undefined ? '' : ' continued'}`);
        const page = await super.list<T>(type, options);
        if (page.continue === undefined) return page;
        await make('late');
        // Without the kill, the server still has the old state in memory.
        await control.kill();
        await control.compact();
        await control.restart();
        return page;
      }
    }
    const client = new Interrupted({ access: tokenAccess(control.admin) });
    const stop = new AbortController();
    const informer = new Informer<Widget>({ client, type: WIDGET, namespace, pageSize: 2 });
    const running = informer.run(stop.signal);
    ends.push(async () => {
      stop.abort();
      await running;
      await client.close();
    });
    await informer.synced;
    expect(names(informer)).toEqual(['late', 'w0', 'w1', 'w2', 'w3']);
    expect(asked).toEqual(['2', '2 continued', 'all']);
  });

  test('an object that can not be read is passed over and does not stop the others', async () => {
    await make('good');
    await make('bad', 13);
    const { informer, told, log } = start({
      decode: (raw) => {
        const { spec } = raw as Widget;
        if (spec?.size === 13) throw new Error('thirteen');
        return { ...raw, spec: { ...spec } } as Widget;
      },
    });
    await informer.synced;
    expect(names(informer)).toEqual(['good']);
    await admin.patch(WIDGET, { namespace, name: 'good' }, { spec: { size: 13 } });
    await make('other');
    await eventually(() => expect(told).toContain('added other'));
    expect(informer.get(`${namespace}/good`)?.spec).toEqual({ size: 1 });
    await admin.delete(WIDGET, { namespace, name: 'good' });
    await eventually(() => expect(told).toContain('deleted good'));
    expect(log.lines.filter((line) => line.includes('could not be read')).length).toBeGreaterThan(0);
  });

  test('a listener that fails keeps no change from the others', async () => {
    const { informer, log } = start();
    const heard: string[] = [];
    informer.onChange(() => {
      throw new Error('mistaken');
    });
    const end = informer.onChange(({ key }) => heard.push(key));
    await informer.synced;
    await make('a');
    await eventually(() => expect(heard).toEqual([`${namespace}/a`]));
    end();
    await make('b');
    await eventually(() => expect(informer.size).toBe(2));
    expect(heard).toHaveLength(1);
    expect(log.lines.filter((line) => line.includes('a listener failed'))).toHaveLength(2);
  });

  test('a right that is missing is said, and given later heals it', async () => {
    const client = clientOf(await control.serviceAccount(namespace, 'late'));
    ends.push(() => client.close());
    const log = keptLog();
    const informer = new Informer({ client, type: WIDGET, namespace, log });
    const stop = new AbortController();
    const running = informer.run(stop.signal);
    ends.unshift(async () => {
      stop.abort();
      await running;
    });
    await eventually(() => expect(log.lines.join()).toContain('listing is refused and is tried again'));
    expect(informer.hasSynced).toBe(false);
    const verbs = ['list', 'watch'];
    await grant(control, namespace, 'late', [{ apiGroups: [WIDGET.group], resources: ['widgets'], verbs }]);
    await informer.synced;
  });

  test('shows everything again when asked to', async () => {
    await make('a');
    const { informer, told } = start({ resyncMs: 50 });
    await informer.synced;
    await eventually(() => expect(told.filter((line) => line === 'updated a').length).toBeGreaterThan(1));
  });
});
