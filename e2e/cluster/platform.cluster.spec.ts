import { jetstreamManager } from '@nats-io/jetstream';
import { eventually } from '@headwater/testing';
import { OrderClient, orderOf } from '@headwater/testing-platform';
import {
  apply,
  createNamespace,
  deleteNamespace,
  helm,
  installPlatform,
  kubectl,
  podsOf,
  secretValue,
} from './cluster';
import { ForwardedPlatform } from './forward';
import { OrderFlow } from './order-flow';

const NAMESPACE = 'headwater-e2e';
const RELEASE = 'hw';
const NAME = 'hw-headwater';

let platform: ForwardedPlatform;
let client: OrderClient;
let orders: OrderFlow;

const restarts = async (): Promise<string> =>
  kubectl(
    ...['-n', NAMESPACE, 'get', 'pods', '-o'],
    'jsonpath={range .items[*]}{range .status.containerStatuses[?(@.restartCount>0)]}{.name} {end}{end}',
  );

beforeAll(async () => {
  await deleteNamespace(NAMESPACE);
  await createNamespace(NAMESPACE);
  const started = Date.now();
  await installPlatform(RELEASE, NAMESPACE);
  process.stderr.write(`installed and ready after ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  platform = await ForwardedPlatform.open(NAMESPACE, NAME);
  client = new OrderClient(platform.urls.api, 16);
  orders = new OrderFlow(client);
}, 600_000);

afterAll(async () => {
  await client?.close();
  platform?.close();
});

test('installs from nothing into a restricted namespace without one restart', async () => {
  expect(await restarts()).toBe('');
});

test('approves an order that came through the Service', async () => {
  const { order_id: id } = await client.place(orderOf('customer-1'));
  orders.accepted.add(id);
  await eventually(async () => expect((await client.get(id)).status).toBe('Approved'));
});

test('helm test passes, and fails when it is told to', async () => {
  const said = await helm('test', RELEASE, '--namespace', NAMESPACE, '--logs');
  expect(said).toMatch(/2 streams and 7 consumers are ready/);
  expect(said).toMatch(/was approved after/);
  await installPlatform(RELEASE, NAMESPACE, '--set', 'test.failOnPurpose=true');
  await expect(helm('test', RELEASE, '--namespace', NAMESPACE)).rejects.toThrow(/test failed/);
  await installPlatform(RELEASE, NAMESPACE);
});

const DECLARED = `
apiVersion: jetstream.headwater.dev/v1alpha1
kind: Stream
metadata: { name: shipments }
spec: { name: SHIPMENTS, subjects: ['SHIPMENTS.>'], storage: file }
---
apiVersion: jetstream.headwater.dev/v1alpha1
kind: Consumer
metadata: { name: shipper }
spec: { streamName: SHIPMENTS, durableName: shipper, ackPolicy: explicit }
`;

test('makes what is declared, shows it, and makes it again when it is deleted by hand', async () => {
  await apply(NAMESPACE, DECLARED);
  await kubectl(
    '-n',
    NAMESPACE,
    'wait',
    '--for=condition=Ready',
    'streams.jetstream.headwater.dev/shipments',
    '--timeout=30s',
  );
  await kubectl(
    '-n',
    NAMESPACE,
    'wait',
    '--for=condition=Ready',
    'consumers.jetstream.headwater.dev/shipper',
    '--timeout=30s',
  );
  expect(await kubectl('-n', NAMESPACE, 'get', 'streams.jetstream.headwater.dev', 'shipments')).toMatch(
    /NAME +READY +REASON +MESSAGES +AGE\nshipments +True +Synced +0 /,
  );
  const connection = await platform.connectNats();
  try {
    const manager = await jetstreamManager(connection);
    expect((await manager.streams.info('SHIPMENTS')).config.subjects).toEqual(['SHIPMENTS.>']);
    await manager.streams.delete('SHIPMENTS');
    const deleted = Date.now();
    await eventually(() => manager.streams.info('SHIPMENTS'));
    process.stderr.write(`a stream deleted by hand was back after ${Date.now() - deleted} ms\n`);
    await eventually(() => manager.consumers.info('SHIPMENTS', 'shipper'));
  } finally {
    await connection.close();
  }
});

test('scales payment workers from 1 to 4 to 1 while orders flow', async () => {
  const handled = new Set<string>();
  await orders.while(150, async () => {
    await kubectl('-n', NAMESPACE, 'scale', `deployment/${NAME}-payment`, '--replicas=4');
    await kubectl('-n', NAMESPACE, 'rollout', 'status', `deployment/${NAME}-payment`, '--timeout=120s');
    for (const pod of await eventually(async () => {
      const pods = await podsOf(NAMESPACE, 'payment');
      expect(pods).toHaveLength(4);
      return pods;
    })) {
      await eventually(async () => {
        const path = `/api/v1/namespaces/${NAMESPACE}/${pod.replace('pod', 'pods')}:9090/proxy/metrics`;
        const metrics = await kubectl('get', '--raw', path);
        expect(metrics).toMatch(/headwater_messages_handled_total\{[^}]*\} [1-9]/);
        handled.add(pod);
      });
    }
    await kubectl('-n', NAMESPACE, 'scale', `deployment/${NAME}-payment`, '--replicas=1');
    await kubectl('-n', NAMESPACE, 'rollout', 'status', `deployment/${NAME}-payment`, '--timeout=120s');
  });
  expect(handled.size).toBe(4);
  await orders.allEndedRight(platform);
});

test('loses and doubles nothing when every pod is deleted once under load', async () => {
  await orders.while(150, async () => {
    const components = [
      'payment',
      'review',
      'projection',
      'coordinator',
      'eventstore',
      'order',
      'payment-simulator',
      'nats',
      'postgres',
    ];
    for (const component of components) {
      const pods = await podsOf(NAMESPACE, component);
      expect(pods.length).toBeGreaterThan(0);
      // One that was on its way out when they were listed may be gone by now.
      await kubectl('-n', NAMESPACE, 'delete', ...pods, '--ignore-not-found', '--force', '--grace-period=0');
      await eventually(async () => {
        const now = await podsOf(NAMESPACE, component);
        expect(now.length).toBeGreaterThan(0);
        await kubectl('-n', NAMESPACE, 'wait', '--for=condition=Ready', ...now, '--timeout=60s');
      }, 120_000);
    }
  });
  await orders.allEndedRight(platform);
});

test('upgrades to other values and rolls back under load', async () => {
  await orders.while(100, async () => {
    await installPlatform(
      RELEASE,
      NAMESPACE,
      '--set',
      'defaults.podAnnotations.round=two',
      '--set',
      'order.replicas=2',
    );
    await helm('rollback', RELEASE, '--namespace', NAMESPACE, '--wait', '--timeout', '5m');
  });
  await orders.allEndedRight(platform);
});

test('the controller’s ServiceAccount can do what it needs and nothing else', async () => {
  const as = `--as=system:serviceaccount:${NAMESPACE}:${RELEASE}-jetstream-controller`;
  const can = (...what: string[]): Promise<string> =>
    kubectl('auth', 'can-i', ...what, as).then(
      (said) => said.trim(),
      (error: { stdout?: string }) => (error.stdout ?? '').trim(),
    );
  for (const what of [
    ['list', 'streams.jetstream.headwater.dev', '-n', NAMESPACE],
    ['watch', 'consumers.jetstream.headwater.dev', '-n', NAMESPACE],
    ['patch', 'streams.jetstream.headwater.dev', '--subresource=status', '-n', NAMESPACE],
    ['create', 'leases.coordination.k8s.io', '-n', NAMESPACE],
    ['create', 'events.events.k8s.io', '-n', NAMESPACE],
  ])
    expect([what, await can(...what)]).toEqual([what, 'yes']);
  for (const what of [
    ['list', 'streams.jetstream.headwater.dev', '-n', 'default'],
    ['delete', 'streams.jetstream.headwater.dev', '-n', NAMESPACE],
    ['get', 'secrets', '-n', NAMESPACE],
    ['list', 'secrets', '-n', NAMESPACE],
    ['create', 'pods', '-n', NAMESPACE],
    ['list', 'configmaps', '-n', NAMESPACE],
    ['get', 'nodes'],
  ])
    expect([what, await can(...what)]).toEqual([what, 'no']);
});

test('an uninstall leaves data, credentials and CRDs, and a new release goes on with them', async () => {
  const password = await secretValue(NAMESPACE, `${NAME}-nats-credentials`, 'eventstore');
  const { order_id: id } = await client.place(orderOf('customer-1'));
  orders.accepted.add(id);
  await eventually(async () => expect((await client.get(id)).status).toBe('Approved'));
  await helm('uninstall', RELEASE, '--namespace', NAMESPACE, '--wait', '--timeout', '3m');
  expect(await kubectl('get', 'crd', 'streams.jetstream.headwater.dev', '-o', 'name')).toContain('streams');
  expect(
    (await kubectl('-n', NAMESPACE, 'get', 'pvc', '-o', 'name')).split('\n').filter(Boolean),
  ).toHaveLength(2);
  const terminating = await kubectl(
    ...['-n', NAMESPACE, 'get', 'streams.jetstream.headwater.dev,consumers.jetstream.headwater.dev', '-o'],
    'jsonpath={range .items[?(@.metadata.deletionTimestamp)]}{.metadata.name} {end}',
  );
  expect(terminating).toBe('');
  await installPlatform(RELEASE, NAMESPACE);
  expect(await secretValue(NAMESPACE, `${NAME}-nats-credentials`, 'eventstore')).toBe(password);
  await eventually(async () => expect((await client.get(id)).status).toBe('Approved'));
  await eventually(async () => {
    orders.accepted.add((await client.place(orderOf('customer-2'))).order_id);
  });
  await orders.allEndedRight(platform);
});
