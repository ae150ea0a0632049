import { describeWithControlPlane, eventually } from '@headwater/testing';
import { type ControllerWorld, type Resources, startControllerWorld } from '@headwater/testing-controller';

const CONFIG_MAP = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
const MARKER = 'jetstream-controller-scope';
const ACKNOWLEDGED = 'jetstream.headwater.dev/acknowledged-by';
/** Long enough to tell a wait from none. */
const HANDOVER_SECONDS = '4';

describeWithControlPlane('a cluster-wide controller and one of a namespace never act on one object', () => {
  let world: ControllerWorld;

  beforeAll(async () => {
    world = await startControllerWorld();
  }, 120_000);

  afterAll(() => world?.end(), 60_000);

  const placeMarker = (namespace: string) =>
    world.kube.create(CONFIG_MAP, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: MARKER, namespace, labels: { 'jetstream.headwater.dev/scope': 'namespace' } },
    });
  const removeMarker = (namespace: string) => world.kube.delete(CONFIG_MAP, { namespace, name: MARKER });
  const acknowledged = async (namespace: string): Promise<string | undefined> =>
    (await world.kube.get(CONFIG_MAP, { namespace, name: MARKER }))?.metadata.annotations?.[ACKNOWLEDGED];

  const startWide = () =>
    world.start({ env: { HEADWATER_CLUSTER_ID: 'wide', HEADWATER_HANDOVER_SECONDS: HANDOVER_SECONDS } });
  const startScoped = (namespace: string) =>
    world.start({
      leaseNamespace: namespace,
      env: {
        HEADWATER_CLUSTER_ID: 'scoped',
        HEADWATER_WATCH_NAMESPACE: namespace,
        HEADWATER_SCOPE_MARKER: MARKER,
        HEADWATER_HANDOVER_SECONDS: HANDOVER_SECONDS,
      },
    });
  const ownerOf = async (stream: string): Promise<string> => {
    const info = await world.jetstream.streamInfo(stream);
    return String((info?.config['metadata'] as Record<string, unknown> | undefined)?.['headwater.dev/owner']);
  };
  test('cluster-wide first: it lets go of the namespace before the other begins, and takes it back after', async () => {
    const wide = await startWide();
    const [taken, free] = [await world.namespace(), await world.namespace()];
    await taken.create('Stream', 'taken', { name: 'TAKEN' });
    await taken.untilReady('Stream', 'taken');
    expect(await ownerOf('TAKEN')).toBe(`wide/${taken.namespace}/taken`);

    await placeMarker(taken.namespace);
    await eventually(async () => expect(await acknowledged(taken.namespace)).toContain(wide.name));
    await taken.create('Stream', 'later', { name: 'LATER' });
    await free.create('Stream', 'free', { name: 'FREE' });
    await free.untilReady('Stream', 'free');
    expect((await taken.get('Stream', 'later'))?.status).toBeUndefined();

    const scoped = await startScoped(taken.namespace);
    await taken.untilReady('Stream', 'later');
    expect(await ownerOf('LATER')).toBe(`scoped/${taken.namespace}/later`);
    // It knows its namespace only.
    await free.create('Stream', 'free-too', { name: 'FREE-TOO' });
    await free.untilReady('Stream', 'free-too');
    expect(await ownerOf('FREE-TOO')).toBe(`wide/${free.namespace}/free-too`);

    // Uninstalled: the marker goes with it.
    await scoped.stop();
    await removeMarker(taken.namespace);
    await taken.create('Stream', 'back', { name: 'BACK' });
    await taken.untilReady('Stream', 'back');
    expect(await ownerOf('BACK')).toBe(`wide/${taken.namespace}/back`);
    await wide.stop();
  }, 120_000);

  test('the namespace first: the cluster-wide one keeps away from the start', async () => {
    const mine = await world.namespace();
    await placeMarker(mine.namespace);
    const scoped = await startScoped(mine.namespace);
    await mine.create('Stream', 'mine', { name: 'MINE' });
    // Nobody acknowledges: it begins after as long as one would have needed.
    await mine.untilReady('Stream', 'mine');
    const wide = await startWide();
    await eventually(async () => expect(await acknowledged(mine.namespace)).toContain(wide.name));
    await mine.patch('Stream', 'mine', { spec: { maxMsgs: 9 } });
    await mine.untilReady('Stream', 'mine');
    // The mark is that of whoever wrote last.
    expect(await ownerOf('MINE')).toBe(`scoped/${mine.namespace}/mine`);

    // The cluster-wide one is removed first this time; the other goes on.
    await wide.stop();
    await mine.create('Stream', 'alone', { name: 'ALONE' });
    await mine.untilReady('Stream', 'alone');
    await scoped.stop();
  }, 120_000);

  test('a controller whose marker is taken away stops at once', async () => {
    const mine = await world.namespace();
    await placeMarker(mine.namespace);
    const scoped = await startScoped(mine.namespace);
    await mine.create('Stream', 'marked', { name: 'MARKED' });
    await mine.untilReady('Stream', 'marked');
    await removeMarker(mine.namespace);
    await eventually(async () => {
      await mine.patch('Stream', 'marked', { metadata: { annotations: { look: String(Date.now()) } } });
      const before = (await mine.get('Stream', 'marked'))?.metadata.generation;
      await mine.patch('Stream', 'marked', { spec: { maxMsgs: Date.now() % 100_000 } });
      await new Promise((resolve) => setTimeout(resolve, 500));
      const after = await mine.get('Stream', 'marked');
      expect(after?.status?.observedGeneration).toBe(before);
    });
    await scoped.stop();
  }, 120_000);

  test('a reference to a Connection of another namespace is refused by a controller of one namespace', async () => {
    const mine: Resources = await world.namespace();
    const scoped = await world.start({
      leaseNamespace: mine.namespace,
      env: { HEADWATER_WATCH_NAMESPACE: mine.namespace },
    });
    await mine.create('Stream', 'reaching', {
      name: 'REACHING',
      connection: { name: 'shared', namespace: 'elsewhere' },
    });
    await mine.until('Stream', 'reaching', { Ready: 'False:ConnectionNotAllowed', Stalled: 'True' });
    expect(await mine.messageOf('Stream', 'reaching')).toContain(mine.namespace);
    await scoped.stop();
  }, 60_000);
});
