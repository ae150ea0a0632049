import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { eventually, selfSigned } from '@headwater/testing';
import { OrderClient } from '@headwater/testing-platform';
import {
  apply,
  chart,
  createNamespace,
  deleteNamespace,
  helm,
  imageValues,
  installPlatform,
  kubectl,
} from './cluster';
import { Forward, ForwardedPlatform } from './forward';
import { OrderFlow } from './order-flow';

// The long parts: only `npm run e2e -- --full` runs this file.

/** Commands that take a node's name: one pulls its plug, the other brings it back. */
const [KILL, START] = [process.env['E2E_NODE_KILL'], process.env['E2E_NODE_START']];
const testNodes = KILL && START ? test : test.skip;

const run = promisify(execFile);
/** Runs such a command, which may have words of its own: `docker kill`. */
async function withNode(commandLine = '', node = ''): Promise<void> {
  const [command = '', ...words] = commandLine.split(' ').filter(Boolean);
  await run(command, [...words, node]);
}
const FIRST = 'headwater-e2e';
const SECOND = 'headwater-e2e-two';

describe('high availability', () => {
  let platform: ForwardedPlatform;
  let client: OrderClient;
  let orders: OrderFlow;

  beforeAll(async () => {
    await deleteNamespace(FIRST);
    await createNamespace(FIRST);
    await installPlatform('hw', FIRST, '--set', 'global.ha.enabled=true');
    platform = await ForwardedPlatform.open(FIRST, 'hw-headwater');
    client = new OrderClient(platform.urls.api, 16);
    orders = new OrderFlow(client, 4);
  }, 900_000);

  afterAll(async () => {
    await client?.close();
    platform?.close();
  });

  test('NATS servers restart one by one under load', async () => {
    await orders.while(100, async () => {
      await kubectl('-n', FIRST, 'rollout', 'restart', 'statefulset/hw-headwater-nats');
      await kubectl('-n', FIRST, 'rollout', 'status', 'statefulset/hw-headwater-nats', '--timeout=300s');
    });
    await orders.allEndedRight(platform);
  }, 600_000);

  testNodes(
    'a node dies and comes back under load',
    async () => {
      const path = 'jsonpath={.spec.nodeName}';
      const kept = await kubectl('-n', FIRST, 'get', 'pod', 'hw-headwater-postgres-0', '-o', path);
      const nodes = (await kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ');
      // The one database server of a trial is not to be moved: its volume need not be reachable elsewhere.
      const victim = nodes.filter((node) => node !== kept).pop();
      expect(victim).toBeDefined();
      await orders.while(100, async () => {
        await withNode(KILL, victim);
        const before = orders.accepted.size;
        await eventually(() => expect(orders.accepted.size).toBeGreaterThan(before + 20), 180_000, 500);
        await withNode(START, victim);
        await kubectl('wait', '--for=condition=Ready', `node/${victim}`, '--timeout=120s');
        for (const kind of ['deployment', 'statefulset'])
          for (const name of (await kubectl('-n', FIRST, 'get', kind, '-o', 'name'))
            .split('\n')
            .filter(Boolean))
            await kubectl('-n', FIRST, 'rollout', 'status', name, '--timeout=240s');
      });
      await orders.allEndedRight(platform);
    },
    900_000,
  );
});

describe('other ways to install', () => {
  beforeAll(async () => {
    for (const namespace of [FIRST, SECOND]) {
      await deleteNamespace(namespace);
      await createNamespace(namespace);
    }
  }, 600_000);

  test('two releases side by side, one rendered and applied, one installed, keep to their own', async () => {
    const rendered = (): Promise<string> =>
      helm(
        ...['template', 'hw', chart('headwater'), '--namespace', FIRST, '--no-hooks'],
        ...['--set', 'bundled.enabled=true,controller.handoverSeconds=0'],
        ...imageValues(),
      );
    await apply(FIRST, await rendered());
    await installPlatform('hw', SECOND);
    await kubectl('-n', FIRST, 'wait', '--for=condition=Available', 'deployments', '--all', '--timeout=300s');
    for (const namespace of [FIRST, SECOND])
      await kubectl(
        ...['-n', namespace, 'wait', '--for=condition=Ready', '--all', '--timeout=60s'],
        'streams.jetstream.headwater.dev,consumers.jetstream.headwater.dev',
      );
    expect(await helm('test', 'hw', '--namespace', SECOND, '--logs')).toMatch(/was approved/);

    const generations = (): Promise<string> =>
      kubectl(
        '-n',
        FIRST,
        'get',
        'deployments,statefulsets',
        '-o',
        'jsonpath={.items[*].metadata.generation}',
      );
    const before = await generations();
    await apply(FIRST, await rendered());
    expect(await generations()).toBe(before);

    // Whose controller goes takes nothing from the other.
    await helm('uninstall', 'hw', '--namespace', SECOND, '--wait');
    expect(await kubectl('-n', FIRST, 'get', 'streams.jetstream.headwater.dev', 'orders')).toMatch(/True/);
  }, 900_000);

  test('with Secrets for its doors it speaks TLS there, and helm test goes through them', async () => {
    await deleteNamespace(SECOND);
    await createNamespace(SECOND);
    for (const door of ['order', 'eventstore']) {
      const { cert, key } = await selfSigned(`hw-headwater-${door}`);
      await apply(
        SECOND,
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Secret',
          type: 'kubernetes.io/tls',
          metadata: { name: door },
          stringData: { 'tls.crt': cert, 'tls.key': key, 'ca.crt': cert },
        }),
      );
    }
    await installPlatform('hw', SECOND, '--set', 'tls.orderSecret=order,tls.eventstoreSecret=eventstore');
    const said = await helm('test', 'hw', '--namespace', SECOND, '--logs');
    expect(said).toMatch(/was approved after/);
    await helm('uninstall', 'hw', '--namespace', SECOND, '--wait');
  }, 600_000);

  test('what is missing is said: a Secret by the pod’s events, a server by its readiness', async () => {
    await deleteNamespace(SECOND);
    await createNamespace(SECOND);
    await helm(
      ...['install', 'hw', chart('headwater'), '--namespace', SECOND],
      ...['--set', 'nats.url=nats://nowhere:4222,database.existingSecret=not-made'],
      ...imageValues(),
    );
    await eventually(async () => {
      expect(await kubectl('-n', SECOND, 'get', 'events', '-o', 'jsonpath={.items[*].message}')).toContain(
        'secret "not-made" not found',
      );
    }, 60_000);
    // The review worker has no tables, so it runs, and waits. (A proxied request shows nothing of an answer that is no success.)
    await eventually(async () => {
      const review = await Forward.to(SECOND, 'hw-headwater-review', 9090, 'deployment');
      try {
        const response = await fetch(`http://127.0.0.1:${review.port}/readyz`);
        expect(await response.text()).toMatch(/"nats":"no connection yet/);
      } finally {
        review.close();
      }
    }, 120_000);
    await helm('uninstall', 'hw', '--namespace', SECOND);
  }, 300_000);
});
