import { eventually } from '@headwater/testing';
import { OrderClient } from '@headwater/testing-platform';
import { createNamespace, deleteNamespace, helm, installPlatform, kubectl } from './cluster';
import { ForwardedPlatform } from './forward';
import { installKeda, kedaBuild, removeKeda } from './keda';
import { OrderFlow } from './order-flow';

// Only `npm run e2e -- --full` runs this file, and only where it could build KEDA.

const NAMESPACE = 'headwater-e2e';
const DEPLOYMENT = 'hw-headwater-payment';
const MOST = 4;
const build = kedaBuild();

(build ? describe : describe.skip)('KEDA, the real one', () => {
  let platform: ForwardedPlatform;
  let client: OrderClient;
  let orders: OrderFlow;

  beforeAll(async () => {
    await deleteNamespace(NAMESPACE);
    if (build) await installKeda(build);
    await createNamespace(NAMESPACE);
    const scaling = 'workers.payment.autoscaling';
    await installPlatform(
      ...(['hw', NAMESPACE] as const),
      ...['--set', `${scaling}.enabled=true,${scaling}.kind=keda`],
      ...['--set', `${scaling}.minReplicas=0,${scaling}.maxReplicas=${MOST},${scaling}.targetPending=20`],
      ...['--set', `${scaling}.pollingSeconds=2,${scaling}.cooldownSeconds=10`],
      // Four payments a second and pod, so that there is something to wait for.
      ...['--set', 'paymentSimulator.env.HEADWATER_LATENCY_MS=1000'],
      ...['--set', 'workers.payment.env.HEADWATER_CONCURRENCY=4'],
    );
    platform = await ForwardedPlatform.open(NAMESPACE, 'hw-headwater');
    client = new OrderClient(platform.urls.api, 16);
    orders = new OrderFlow(client);
  }, 900_000);

  afterAll(async () => {
    await client?.close();
    platform?.close();
    // Before KEDA, which has to let go of its ScaledObjects.
    await helm('uninstall', 'hw', '--namespace', NAMESPACE, '--wait').catch(() => undefined);
    await removeKeda();
  }, 300_000);

  const replicas = async (of: 'spec' | 'status'): Promise<number> => {
    const path = of === 'spec' ? '{.spec.replicas}' : '{.status.readyReplicas}';
    return Number(
      (await kubectl('-n', NAMESPACE, 'get', 'deployment', DEPLOYMENT, '-o', `jsonpath=${path}`)) || 0,
    );
  };

  /** What the API server's external metrics say, which is what the autoscaler goes by. */
  const lag = async (): Promise<number> => {
    const scaledObject = ['-n', NAMESPACE, 'get', 'scaledobject', DEPLOYMENT, '-o'] as const;
    const metric = await kubectl(...scaledObject, 'jsonpath={.status.externalMetricNames[0]}');
    const selector = encodeURIComponent(`scaledobject.keda.sh/name=${DEPLOYMENT}`);
    const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${NAMESPACE}/${metric}?labelSelector=${selector}`;
    const { items } = JSON.parse(await kubectl('get', '--raw', path)) as { items: { value: string }[] };
    const [, number = '', unit] = /^([\d.]+)(m?)$/.exec(items[0]?.value ?? '') ?? [];
    return Number(number) / (unit === 'm' ? 1000 : 1);
  };

  test('scales payment workers from 0 to as many as the lag asks for, and back to 0', async () => {
    await eventually(async () => expect(await replicas('spec')).toBe(0), 120_000, 500);
    await eventually(async () => expect(await replicas('status')).toBe(0), 60_000, 500);
    expect(await lag()).toBe(0);

    const begun = Date.now();
    const since = (): string => `${((Date.now() - begun) / 1000).toFixed(1)} s`;
    const figures: string[] = [];
    await orders.while(400, () => Promise.resolve());
    figures.push(`${orders.accepted.size} orders placed after ${since()}`);
    await eventually(async () => expect(await replicas('status')).toBeGreaterThan(0), 120_000, 250);
    figures.push(`first worker ready after ${since()}`);
    const waiting = await lag();
    expect(waiting).toBeGreaterThan(100);
    figures.push(`lag then ${waiting}`);
    await eventually(async () => expect(await replicas('status')).toBe(MOST), 120_000, 250);
    figures.push(`${MOST} workers ready after ${since()}`);
    await orders.allEndedRight(platform);
    figures.push(`all orders approved and taken into account after ${since()}`);
    expect(await lag()).toBe(0);
    await eventually(async () => expect(await replicas('spec')).toBe(0), 180_000, 500);
    figures.push(`none any more after ${since()}`);
    process.stderr.write(`KEDA: ${figures.join(', ')}\n`);

    // And again from nothing: what comes while there is nobody waits, and is not lost.
    await orders.while(20, () => Promise.resolve());
    await orders.allEndedRight(platform);
  }, 900_000);
});
