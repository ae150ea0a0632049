import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LOGS } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';
import { eventually } from '@headwater/testing';
import { OrderClient } from '@headwater/testing-platform';
import { parseAllDocuments } from 'yaml';
import { chart, createNamespace, deleteNamespace, helm, installPlatform, kubectl } from './cluster';
import { ForwardedPlatform } from './forward';
import { largest, memoryLimits, memoryOf, told } from './memory';
import { OrderFlow } from './order-flow';
import { Prometheus, prometheusBuild } from './prometheus';

// Only `npm run e2e -- --full` runs this file, and only where it could build Prometheus.

const run = promisify(execFile);
const NAMESPACE = 'headwater-e2e';
const build = prometheusBuild();

/** Counters that begin with what does not happen here: no message is delivered twice, and none is given up by NATS. */
const UNBORN = /headwater_messages_(given_up|redelivered)_total/;
const COMPARISON = /\s*(==|>)\s*[\d.]+\s*$/;

interface Rules {
  groups: { name: string; rules: { alert: string; expr: string }[] }[];
}
interface Dashboard {
  panels: { title: string; targets?: { expr: string }[] }[];
}

/** As the operator takes them out of the PrometheusRule. */
async function renderedRules(): Promise<Rules> {
  const text = await helm(
    ...['template', 'hw', chart('headwater'), '--namespace', NAMESPACE],
    ...['--set', 'bundled.enabled=true,monitoring.prometheusRule.enabled=true'],
    ...['--show-only', 'templates/monitoring.yaml'],
  );
  const rule = parseAllDocuments(text)
    .map((document) => document.toJS() as { kind: string; spec: Rules } | null)
    .find((object) => object?.kind === 'PrometheusRule');
  if (!rule) throw new Error('the chart renders no PrometheusRule');
  return rule.spec;
}

async function dashboardExpressions(): Promise<[string, string][]> {
  const file = join(chart('headwater'), 'files', 'dashboards', 'headwater.json');
  const { panels } = JSON.parse(await readFile(file, 'utf8')) as Dashboard;
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }): [string, string] => [
      title,
      expr.replaceAll('$namespace', NAMESPACE).replaceAll('$__rate_interval', '2m'),
    ]),
  );
}

(build ? describe : describe.skip)('Prometheus, the real one', () => {
  let rules: Rules;
  let prometheus: Prometheus;
  let platform: ForwardedPlatform;
  let client: OrderClient;
  let orders: OrderFlow;

  beforeAll(async () => {
    rules = await renderedRules();
    await deleteNamespace(NAMESPACE);
    await createNamespace(NAMESPACE);
    await installPlatform('hw', NAMESPACE);
    if (build) prometheus = await Prometheus.start(NAMESPACE, build, rules);
    platform = await ForwardedPlatform.open(NAMESPACE, 'hw-headwater');
    client = new OrderClient(platform.urls.api, 64);
    orders = new OrderFlow(client, 64);
  }, 900_000);

  afterAll(async () => {
    await client?.close();
    platform?.close();
    prometheus?.close();
  });

  test('promtool finds the rules right, and each alert at its time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'headwater-rules-'));
    try {
      await writeFile(join(folder, 'rules.yaml'), JSON.stringify(rules));
      await copyFile(join(__dirname, 'alerts.promtool.yaml'), join(folder, 'tests.yaml'));
      const promtool = build?.promtool ?? '';
      const { stdout } = await run(promtool, ['check', 'rules', '--lint=all', '--lint-fatal', 'rules.yaml'], {
        cwd: folder,
      });
      expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
      await run(promtool, ['test', 'rules', 'tests.yaml'], { cwd: folder });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('scrapes every process', async () => {
    const deployments = (await kubectl('-n', NAMESPACE, 'get', 'deployments', '-o', 'name'))
      .split('\n')
      .filter((name) => name.includes('hw-'));
    await eventually(async () => {
      const up = await prometheus.query('up');
      expect(up.filter(({ value }) => value[1] === '1')).toHaveLength(deployments.length);
      expect(up.filter(({ value }) => value[1] !== '1')).toEqual([]);
    }, 60_000);
  });

  test('keeps within the limits of memory under load', async () => {
    const idle = await memoryOf(NAMESPACE);
    const limits = await memoryLimits(NAMESPACE);
    let most = new Map<string, number>();
    let loading = true;
    const begun = Date.now();
    const load = orders
      .while(6_000, () => Promise.resolve())
      .finally(() => {
        loading = false;
      });
    while (loading) most = largest(most, await memoryOf(NAMESPACE));
    await load;
    const seconds = (Date.now() - begun) / 1000;
    await orders.allEndedRight(platform);
    most = largest(most, await memoryOf(NAMESPACE));
    const total = [...idle.values()].reduce((sum, bytes) => sum + bytes, 0);
    process.stderr.write(`idle, MB: ${told(idle)}; together ${(total / 2 ** 20).toFixed(0)}\n`);
    process.stderr.write(
      `under load (${orders.accepted.size} orders in ${seconds.toFixed(0)} s): ${told(most)}\n`,
    );
    const tight = [...limits].filter(([name, limit]) => (most.get(name) ?? 0) > 0.9 * limit);
    expect(tight).toEqual([]);
    const killed = await kubectl(
      ...['-n', NAMESPACE, 'get', 'pods', '-o'],
      'jsonpath={range .items[*].status.containerStatuses[*]}{.lastState.terminated.reason}{end}',
    );
    expect(killed).not.toContain('OOMKilled');
  }, 600_000);

  test('an event that nobody can handle is on the dashboards and raises the alerts that tell of it', async () => {
    const store = new EventStoreClient({ address: platform.urls.grpc, channels: 1 });
    try {
      await store.append(LOGS.orders, [
        {
          aggregateId: 'poison',
          aggregateType: 'order',
          expected: 'any',
          events: [{ eventId: 'poison', eventType: 'ORDERS.created', data: '{"order_id":"poison"}' }],
        },
      ]);
    } finally {
      await store.close();
    }
    const alerts = async (): Promise<string[]> => {
      const { alerts } = await prometheus.get<{
        alerts: { state: string; labels: { alertname: string } }[];
      }>('alerts');
      return alerts.map(({ state, labels }) => `${labels.alertname} ${state}`);
    };
    await eventually(async () => {
      const told = await alerts();
      expect(told).toContain('HeadwaterDeadLetters firing');
      expect(told).toContain('HeadwaterProjectionStopped firing');
      expect(told).toContain('HeadwaterProcessNotReady pending');
    }, 180_000);
  }, 240_000);

  test('every expression of dashboards and alerts is evaluated, and none is empty by mistake', async () => {
    const { groups } = await prometheus.get<{
      groups: { rules: { name: string; health: string; lastError?: string }[] }[];
    }>('rules');
    const evaluated = groups.flatMap((group) => group.rules);
    expect(evaluated.map(({ name }) => name)).toEqual(
      rules.groups.flatMap((group) => group.rules.map(({ alert }) => alert)),
    );
    expect(evaluated.filter(({ health }) => health !== 'ok')).toEqual([]);
    const expressions: [string, string][] = [
      ...(await dashboardExpressions()),
      // Without what it is compared with, an alert's expression has a value when all is well, too.
      ...rules.groups.flatMap((group) =>
        group.rules.map(({ alert, expr }): [string, string] => [alert, expr.replace(COMPARISON, '')]),
      ),
    ];
    expect(expressions.length).toBeGreaterThan(15);
    const empty: string[] = [];
    for (const [title, expression] of expressions)
      if ((await prometheus.query(expression)).length === 0) empty.push(`${title}: ${expression}`);
    expect(empty.filter((expression) => !UNBORN.test(expression))).toEqual([]);
    process.stderr.write(
      `${expressions.length} expressions of dashboards and alerts evaluated, without a value: ${empty.length}\n`,
    );
  });
});
