import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NATS_USERS } from '@headwater/contracts';
import { parseAllDocuments } from 'yaml';
import { containersOf, podOf, type PodSpec } from './pod-security';
import { BUILD_MS, chartFolder, find, helm, type Manifest, render, renderText, ROOT } from './render';
import { API_SCHEMAS, faultsOf } from './validate';

const EXTERNAL = ['nats.url=nats://nats:4222', 'nats.existingSecret=users', 'database.existingSecret=sql'];
const BUNDLED = ['bundled.enabled=true'];

const specOf = (manifest: Manifest): Record<string, unknown> => manifest['spec'] as Record<string, unknown>;
const pod = (manifests: Manifest[], kind: string, name: string): PodSpec =>
  podOf(find(manifests, kind, name))!;
const names = (manifests: Manifest[], kind: string): string[] =>
  manifests.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name);

beforeAll(() => helm('version'), BUILD_MS);

describe('what can not work is refused in a sentence', () => {
  it.each([
    ['no NATS', [], /say where NATS is .*bundled\.enabled=true/],
    ['no database', ['nats.url=nats://a:4222'], /name the Secret with the databases' addresses/],
    ['two NATS', [...BUNDLED, 'nats.url=nats://a:4222'], /leave nats\.url and nats\.existingSecret empty/],
    ['two databases', [...BUNDLED, 'database.existingSecret=x'], /leave database\.existingSecret empty/],
    [
      'a password in an address',
      ['nats.url=nats://user:secret@a:4222'],
      /nats\/url.*does not match pattern/s,
    ],
    ['an unknown key', [...BUNDLED, 'replicas=3'], /additional properties 'replicas' not allowed/],
    ['a wrong type', [...BUNDLED, 'order.replicas=many'], /order\/replicas.*got string/s],
    [
      'an unknown key of a worker',
      [...BUNDLED, 'workers.payment.replica=3'],
      /workers\/payment.*'replica' not allowed/s,
    ],
    [
      'an unknown key of the controller',
      [...BUNDLED, 'controller.foo=1'],
      /controller:\n.*'foo' not allowed/s,
    ],
    ['two NATS servers', [...BUNDLED, 'bundled.nats.replicas=2'], /bundled\/nats\/replicas/],
    [
      'scaling to 0 by CPU',
      [...BUNDLED, 'order.autoscaling.enabled=true', 'order.autoscaling.minReplicas=0'],
      /order can't be scaled to 0/,
    ],
    [
      'KEDA without a consumer',
      [...BUNDLED, 'order.autoscaling.enabled=true', 'order.autoscaling.kind=keda'],
      /order has no consumer/,
    ],
    [
      'two ways to scrape',
      [...BUNDLED, 'monitoring.podMonitor.enabled=true', 'monitoring.serviceMonitor.enabled=true'],
      /scraped twice; enable one of them/,
    ],
    ['a worker without a program', [...BUNDLED, 'workers.mine.replicas=1'], /workers\.mine needs `entry`/],
  ])('%s', async (_what, set, sentence) => {
    await expect(renderText('headwater', { set })).rejects.toThrow(sentence);
  });

  it('a controller alone without NATS', async () => {
    await expect(renderText('jetstream-controller')).rejects.toThrow(/say where NATS is/);
  });

  it('finds a misspelt field, so that silence of the validation means something', () => {
    const [schemas] = API_SCHEMAS;
    const manifest = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a' },
      spec: { selectors: {}, ports: [{ port: '80x' }] },
    };
    expect(faultsOf(manifest, schemas!)).toEqual([
      'Service a.spec.selectors is unknown',
      'Service a.spec.ports[0].port is no whole number',
    ]);
  });
});

describe('replicas and scaling', () => {
  it('runs one of each by default, and no disruption budget then stands in the way of a drain', async () => {
    const manifests = await render('headwater', { set: EXTERNAL });
    expect(
      manifests.filter(({ kind }) => kind === 'Deployment').map((one) => specOf(one)['replicas']),
    ).toEqual(Array.from({ length: 8 }, () => 1));
    expect(names(manifests, 'PodDisruptionBudget')).toEqual([]);
  });

  it('has one switch for high availability, and single values win', async () => {
    const manifests = await render('headwater', {
      set: [...BUNDLED, 'global.ha.enabled=true', 'workers.payment.replicas=5'],
    });
    expect(specOf(find(manifests, 'Deployment', 'hw-headwater-order'))['replicas']).toBe(2);
    expect(specOf(find(manifests, 'Deployment', 'hw-headwater-payment'))['replicas']).toBe(5);
    expect(specOf(find(manifests, 'Deployment', 'hw-jetstream-controller'))['replicas']).toBe(2);
    expect(specOf(find(manifests, 'StatefulSet', 'hw-headwater-nats'))['replicas']).toBe(3);
    expect(specOf(find(manifests, 'Stream', 'orders'))['replicas']).toBe(3);
    for (const budget of manifests.filter(({ kind }) => kind === 'PodDisruptionBudget'))
      expect(specOf(budget)['maxUnavailable']).toBe(1);
    expect(names(manifests, 'PodDisruptionBudget')).toHaveLength(9);
  });

  it.each(['hpa', 'keda'])('renders no number of replicas when %s decides', async (kind) => {
    const manifests = await render('headwater', {
      set: [
        ...BUNDLED,
        'workers.payment.autoscaling.enabled=true',
        `workers.payment.autoscaling.kind=${kind}`,
      ],
    });
    expect(specOf(find(manifests, 'Deployment', 'hw-headwater-payment'))).not.toHaveProperty('replicas');
    expect(specOf(find(manifests, 'Deployment', 'hw-headwater-review'))['replicas']).toBe(1);
    const scaler = find(
      manifests,
      kind === 'hpa' ? 'HorizontalPodAutoscaler' : 'ScaledObject',
      'hw-headwater-payment',
    );
    expect(specOf(scaler)['scaleTargetRef']).toMatchObject({ name: 'hw-headwater-payment' });
  });

  it('points KEDA to the scaler of the release and to a Consumer that the release makes', async () => {
    const manifests = await render('headwater', {
      set: [...BUNDLED, 'workers.review.autoscaling.enabled=true', 'workers.review.autoscaling.kind=keda'],
    });
    const [trigger] = specOf(find(manifests, 'ScaledObject', 'hw-headwater-review'))['triggers'] as [
      { metadata: Record<string, string> },
    ];
    const [host = ''] = (trigger.metadata['scalerAddress'] ?? '').split('.');
    const { ports } = specOf(find(manifests, 'Service', host)) as { ports: { port: number }[] };
    expect(trigger.metadata['scalerAddress']).toBe(`${host}.orders:${ports[0]?.port}`);
    expect(names(manifests, 'Consumer')).toContain(trigger.metadata['consumer']);
  });

  it('gives a process the time that it takes to end', async () => {
    for (const manifest of await render('headwater', { set: EXTERNAL })) {
      if (manifest.kind !== 'Deployment' || !manifest.metadata.name.startsWith('hw-headwater')) continue;
      const { terminationGracePeriodSeconds = 0, containers } = podOf(manifest)!;
      const seconds = containers[0]?.env?.find(({ name }) => name === 'HEADWATER_SHUTDOWN_SECONDS')?.value;
      expect(Number(seconds) + 5).toBeLessThan(terminationGracePeriodSeconds);
    }
  });
});

describe('connections and credentials', () => {
  it('shows each process its own password and no other', async () => {
    const manifests = await render('headwater', { set: EXTERNAL });
    const keysOf = (name: string): string[] =>
      JSON.stringify(pod(manifests, 'Deployment', name).volumes).match(/(?<="key":")[^"]+/g) ?? [];
    expect(keysOf('hw-headwater-eventstore')).toEqual(['eventstore', 'eventstore-url']);
    expect(keysOf('hw-headwater-order')).toEqual(['order-api-url']);
    expect(keysOf('hw-headwater-payment')).toEqual(['payment']);
    expect(keysOf('hw-headwater-projection')).toEqual(['projection', 'projection-url']);
    expect(keysOf('hw-jetstream-controller')).toEqual(['declarations']);
  });

  it('lets the bundled NATS know every user of the platform, and what each may do', async () => {
    const manifests = await render('headwater', { set: BUNDLED });
    const config = (find(manifests, 'ConfigMap', 'hw-headwater-nats')['data'] as Record<string, string>)[
      'nats.conf'
    ]!;
    for (const [user, { publish, subscribe }] of Object.entries(NATS_USERS)) {
      expect(config).toContain(`{ user: ${user}, password: $PASSWORD_${user}, permissions:`);
      for (const subject of [...publish, ...subscribe]) expect(config).toContain(JSON.stringify(subject));
    }
    expect(config.match(/ user: /g)).toHaveLength(Object.keys(NATS_USERS).length);
  });

  it('makes passwords by a Job that may create Secrets and change no other', async () => {
    const manifests = await render('headwater', { set: BUNDLED });
    expect(find(manifests, 'Role', 'hw-headwater-credentials')['rules']).toEqual([
      { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
      {
        apiGroups: [''],
        resources: ['secrets'],
        verbs: ['get', 'patch'],
        resourceNames: ['hw-headwater-nats-credentials', 'hw-headwater-database-credentials'],
      },
    ]);
  });

  it('takes the simulator away when a payment provider is named', async () => {
    const manifests = await render('headwater', { set: [...EXTERNAL, 'payment.url=https://pay.example'] });
    expect(JSON.stringify(manifests)).not.toContain('payment-simulator');
    const [container] = pod(manifests, 'Deployment', 'hw-headwater-payment').containers;
    expect(container?.env).toContainEqual({ name: 'HEADWATER_PAYMENT_URL', value: 'https://pay.example' });
  });
});

describe('settings of one process', () => {
  it('reach it as they were written, and win over the defaults', async () => {
    const manifests = await render('headwater', {
      set: [
        ...EXTERNAL,
        'defaults.topologySpread=true',
        'order.topologySpread=false',
        'order.replicas=0',
        'order.env.HEADWATER_A=10485760',
        'order.env.HEADWATER_B=0.5',
        'order.env.HEADWATER_C=false',
      ],
    });
    const order = find(manifests, 'Deployment', 'hw-headwater-order');
    expect(specOf(order)['replicas']).toBe(0);
    expect(podOf(order)).not.toHaveProperty('topologySpreadConstraints');
    expect(podOf(find(manifests, 'Deployment', 'hw-headwater-review'))).toHaveProperty(
      'topologySpreadConstraints',
    );
    const env = podOf(order)!.containers[0]?.env;
    for (const [name, value] of Object.entries({ A: '10485760', B: '0.5', C: 'false' }))
      expect(env).toContainEqual({ name: `HEADWATER_${name}`, value });
  });

  it('let a worker of your own join', async () => {
    const manifests = await render('headwater', {
      set: [
        ...EXTERNAL,
        'workers.mine.entry=apps/mine/main.js',
        'workers.mine.natsUser=mine',
        'workers.mine.replicas=3',
      ],
    });
    const mine = find(manifests, 'Deployment', 'hw-headwater-mine');
    expect(specOf(mine)['replicas']).toBe(3);
    expect(podOf(mine)!.containers[0]?.command).toEqual(['node', 'apps/mine/main.js']);
    expect(find(manifests, 'PodDisruptionBudget', 'hw-headwater-mine').metadata.namespace).toBe('orders');
  });
});

describe('migrations', () => {
  const jobs = (manifests: Manifest[]): string[] =>
    names(manifests, 'Job').filter((name) => /-migrations-/.test(name));

  it('are a Job whose name changes exactly with its pod', async () => {
    const [one, same, other] = await Promise.all([
      render('headwater', { set: EXTERNAL }),
      render('headwater', { set: [...EXTERNAL, 'order.replicas=3'] }),
      render('headwater', { set: [...EXTERNAL, 'image.tag=2.0.0-rc'] }),
    ]);
    expect(jobs(one)).toHaveLength(1);
    expect(jobs(same)).toEqual(jobs(one));
    expect(jobs(other)).not.toEqual(jobs(one));
  });

  it('run for every owner of tables', async () => {
    const manifests = await render('headwater', { set: EXTERNAL });
    const job = pod(manifests, 'Job', jobs(manifests)[0]!);
    expect(job.containers.map(({ command }) => command?.[1]).sort()).toEqual([
      'apps/coordinator/dist/migrate.js',
      'apps/eventstore/dist/migrate.js',
      'apps/payment-simulator/dist/migrate.js',
      'apps/workers/projection/dist/migrate.js',
    ]);
  });

  it('and nothing else of an install is a hook, so that --wait can not wait for ever', async () => {
    const manifests = await render('headwater', { set: BUNDLED });
    const hooks = manifests.flatMap(({ kind, metadata }) => {
      const hook = metadata.annotations?.['helm.sh/hook'];
      return hook ? [`${hook} ${kind}`] : [];
    });
    expect(hooks.filter((hook) => !/^(test|pre-upgrade) /.test(hook))).toEqual([]);
  });
});

describe('streams and consumers', () => {
  it('are those of k8s/jetstream', async () => {
    const manifests = await render('headwater', { set: BUNDLED });
    for (const file of ['streams.yaml', 'consumers.yaml']) {
      const declared = parseAllDocuments(await readFile(join(ROOT, 'k8s', 'jetstream', file), 'utf8'));
      for (const document of declared) {
        const { kind, metadata, spec } = document.toJS() as Manifest;
        const replicas = kind === 'Stream' ? { replicas: 1 } : {};
        expect(specOf(find(manifests, kind, metadata.name))).toEqual({ ...(spec as object), ...replicas });
      }
    }
  });

  it('take what values add', async () => {
    const manifests = await render('headwater', {
      set: [...BUNDLED, 'streams.overrides.orders.maxBytes=1000000'],
    });
    expect(specOf(find(manifests, 'Stream', 'orders'))['maxBytes']).toBe(1_000_000);
    expect(specOf(find(manifests, 'Stream', 'deadletters'))).not.toHaveProperty('maxBytes');
  });
});

describe('the controller', () => {
  it('within the platform needs nothing of the cluster but the upgrade of CRDs', async () => {
    const manifests = await render('headwater', { set: BUNDLED });
    expect(names(manifests, 'ClusterRole')).toEqual(['orders-hw-jetstream-controller-crds']);
    const without = await render('headwater', {
      set: [...BUNDLED, 'controller.crds.upgradeJob.enabled=false'],
    });
    expect(names(without, 'ClusterRole')).toEqual([]);
    expect(names(without, 'ClusterRoleBinding')).toEqual([]);
  });

  it('has the platform’s image and connection, and the marker of its namespace', async () => {
    const manifests = await render('headwater', {
      set: [...EXTERNAL, 'image.repository=r/i', 'image.tag=t'],
    });
    const [container] = pod(manifests, 'Deployment', 'hw-jetstream-controller').containers;
    expect(container).toMatchObject({ image: 'r/i:t' });
    expect(container?.env).toContainEqual({ name: 'HEADWATER_NATS_URL', value: 'nats://nats:4222' });
    expect(container?.env).toContainEqual({ name: 'HEADWATER_WATCH_NAMESPACE', value: 'orders' });
    const marker = container?.env?.find(({ name }) => name === 'HEADWATER_SCOPE_MARKER')?.value ?? '';
    expect(find(manifests, 'ConfigMap', marker).metadata.labels).toHaveProperty([
      'jetstream.headwater.dev/scope',
    ]);
  });

  it('reads Secrets by name only, unless it is told otherwise', async () => {
    const secretsOf = async (...set: string[]): Promise<unknown[]> => {
      const manifests = await render('jetstream-controller', { set: ['nats.url=nats://n:4222', ...set] });
      const { rules } = find(manifests, 'ClusterRole', 'orders-hw-jetstream-controller') as unknown as {
        rules: { resources: string[]; resourceNames?: string[]; verbs: string[] }[];
      };
      return rules
        .filter(({ resources }) => resources.includes('secrets'))
        .map((rule) => rule.resourceNames ?? 'all');
    };
    expect(await secretsOf()).toEqual([]);
    expect(await secretsOf('secretAccess.names={a,b}')).toEqual([['a', 'b']]);
    expect(await secretsOf('secretAccess.all=true')).toEqual(['all']);
  });
});

describe('network policies', () => {
  it('are opt-in, deny what nothing allows, and leave every listening port a way in', async () => {
    expect(names(await render('headwater', { set: BUNDLED }), 'NetworkPolicy')).toEqual([]);
    const manifests = await render('headwater', { set: [...BUNDLED, 'networkPolicy.enabled=true'] });
    const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy').map(specOf);
    expect(
      policies.some(
        (policy) =>
          policy['ingress'] === undefined && (policy['policyTypes'] as string[]).includes('Ingress'),
      ),
    ).toBe(true);
    const open = new Set(
      JSON.stringify(policies)
        .match(/(?<="port":)\d+/g)
        ?.map(Number),
    );
    const listening = manifests.flatMap((manifest) => {
      const made = manifest.kind === 'Job' || manifest.kind === 'Pod' ? undefined : podOf(manifest);
      return made
        ? containersOf(made).flatMap(({ ports = [] }) => ports.map(({ containerPort }) => containerPort))
        : [];
    });
    expect(listening.filter((port) => !open.has(port))).toEqual([]);
  });
});

describe('monitoring', () => {
  it('names only metrics that the platform has', async () => {
    const { stdout } = await promisify(execFile)(
      'grep',
      [
        '-rhoE',
        "['`](headwater_[a-z_]+|controller_runtime_[a-z_]+|jetstream_[a-z_]+)['`]",
        'apps',
        'libs',
        '--include=*.ts',
        '--exclude=*.spec.ts',
      ],
      { cwd: ROOT },
    );
    const made = new Set(stdout.split('\n').map((name) => name.slice(1, -1)));
    const files = ['alerts.yaml', 'dashboards/headwater.json'].map((file) =>
      readFile(join(chartFolder('headwater'), 'files', file), 'utf8'),
    );
    const named = (await Promise.all(files)).flatMap((text) => text.match(/headwater_[a-z_]+/g) ?? []);
    expect(named.length).toBeGreaterThan(10);
    const base = (name: string): string => name.replace(/_(bucket|sum|count)$/, '');
    expect(named.filter((name) => !made.has(name) && !made.has(base(name)))).toEqual([]);
  });

  it('points a ServiceMonitor to Services whose pods have the port', async () => {
    const manifests = await render('headwater', {
      set: [...BUNDLED, 'monitoring.serviceMonitor.enabled=true', 'monitoring.serviceMonitor.labels.team=a'],
    });
    expect(names(manifests, 'PodMonitor')).toEqual([]);
    expect(names(manifests, 'ServiceMonitor')).toEqual(['hw-jetstream-controller', 'hw-headwater']);
    const scraped = new Set<string>();
    for (const monitor of manifests.filter(({ kind }) => kind === 'ServiceMonitor')) {
      expect(monitor.metadata.labels).toHaveProperty('team', 'a');
      const { selector, endpoints } = specOf(monitor) as {
        selector: { matchLabels: Record<string, string> };
        endpoints: { port: string }[];
      };
      const has = (labels: Record<string, string> | undefined, wanted: Record<string, string>): boolean =>
        Object.entries(wanted).every(([key, value]) => labels?.[key] === value);
      const services = manifests.filter(
        ({ kind, metadata }) => kind === 'Service' && has(metadata.labels, selector.matchLabels),
      );
      expect(services).toHaveLength(1);
      const { selector: pods, ports } = specOf(services[0]!) as {
        selector: Record<string, string>;
        ports: { name: string; targetPort: string }[];
      };
      const target = ports.find(({ name }) => name === endpoints[0]?.port)?.targetPort;
      for (const manifest of manifests.filter(({ kind }) => kind === 'Deployment')) {
        const { template } = specOf(manifest) as {
          template: { metadata: { labels: Record<string, string> } };
        };
        const open = podOf(manifest)!.containers.some(({ ports = [] }) =>
          ports.some(({ name }) => name === target),
        );
        if (has(template.metadata.labels, pods) && open) scraped.add(manifest.metadata.name);
      }
    }
    expect([...scraped].sort()).toEqual(names(manifests, 'Deployment').sort());
  });

  it('looks at the release’s own namespace', async () => {
    const manifests = await render('headwater', {
      set: [...BUNDLED, 'monitoring.prometheusRule.enabled=true'],
    });
    const { groups } = specOf(find(manifests, 'PrometheusRule', 'hw-headwater')) as {
      groups: { rules: { expr: string }[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(4);
    for (const { expr } of rules) expect(expr).toContain('{namespace="orders"}');
  });
});

describe('the chart as a package', () => {
  it('holds the controller and its CRDs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'headwater-chart-'));
    try {
      await helm('package', chartFolder('headwater'), '--destination', folder);
      const { stdout } = await promisify(execFile)('tar', ['-tzf', join(folder, 'headwater-0.1.0.tgz')]);
      const files = stdout.split('\n');
      expect(files).toContain('headwater/charts/jetstream-controller/Chart.yaml');
      for (const kind of ['connections', 'consumers', 'streams'])
        expect(files).toContain(`headwater/charts/jetstream-controller/crds/${kind}.yaml`);
      expect(files.filter((file) => file.includes('/ci/'))).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('has selectors that are not changed any more: they are immutable in a cluster', async () => {
    const manifests = await render('headwater', { set: BUNDLED });
    const selectors = manifests
      .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
      .map((one) => (specOf(one)['selector'] as { matchLabels: Record<string, string> }).matchLabels);
    const component = (label: string): Record<string, string> => ({
      'app.kubernetes.io/name': 'headwater',
      'app.kubernetes.io/instance': 'hw',
      'app.kubernetes.io/component': label,
    });
    expect(selectors).toHaveLength(10);
    for (const label of [
      'coordinator',
      'eventstore',
      'order',
      'payment',
      'payment-simulator',
      'projection',
      'review',
      'nats',
      'postgres',
    ])
      expect(selectors).toContainEqual(component(label));
    expect(selectors).toContainEqual({
      'app.kubernetes.io/name': 'jetstream-controller',
      'app.kubernetes.io/instance': 'hw',
    });
  });
});
