import { eventually } from '@headwater/testing';
import { OrderClient } from '@headwater/testing-platform';
import { createNamespace, deleteNamespace, installPlatform, kubectl } from './cluster';
import { ForwardedPlatform } from './forward';
import { OrderFlow } from './order-flow';

// Only `npm run e2e -- --full` runs this file, and only where a command adds metrics-server.

const NAMESPACE = 'headwater-e2e';
const DEPLOYMENT = 'hw-headwater-order';

(process.env['E2E_METRICS'] ? describe : describe.skip)('a HorizontalPodAutoscaler', () => {
  let platform: ForwardedPlatform;
  let client: OrderClient;
  let orders: OrderFlow;

  beforeAll(async () => {
    await deleteNamespace(NAMESPACE);
    await createNamespace(NAMESPACE);
    const scaling = 'order.autoscaling';
    await installPlatform(
      ...(['hw', NAMESPACE] as const),
      ...['--set', `${scaling}.enabled=true,${scaling}.kind=hpa,${scaling}.maxReplicas=3`],
    );
    platform = await ForwardedPlatform.open(NAMESPACE, 'hw-headwater');
    client = new OrderClient(platform.urls.api, 16);
    orders = new OrderFlow(client, 16);
  }, 900_000);

  afterAll(async () => {
    await client?.close();
    platform?.close();
  });

  const of = async (path: string): Promise<string> =>
    kubectl('-n', NAMESPACE, 'get', 'hpa', DEPLOYMENT, '-o', `jsonpath=${path}`);

  test('adds pods of the order API when they are busy', async () => {
    await eventually(
      async () => expect(await of('{.status.conditions[?(@.type=="ScalingActive")].status}')).toBe('True'),
      180_000,
      500,
    );
    const begun = Date.now();
    await orders.while(200, async () => {
      await eventually(
        async () => {
          const ready = await kubectl(
            ...['-n', NAMESPACE, 'get', 'deployment', DEPLOYMENT, '-o', 'jsonpath={.status.readyReplicas}'],
          );
          expect(Number(ready)).toBeGreaterThan(1);
        },
        240_000,
        500,
      );
    });
    const busy = await of('{.status.currentMetrics[0].resource.current.averageUtilization}');
    process.stderr.write(
      `HPA: a second pod was ready ${((Date.now() - begun) / 1000).toFixed(0)} s after the load began (${busy} % of the request)\n`,
    );
    await orders.allEndedRight(platform);
  }, 600_000);
});
