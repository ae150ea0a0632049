import { apply, kubectl } from './cluster';
import { Forward } from './forward';

/** What `npm run e2e -- --full` has built and loaded of Prometheus. */
export interface PrometheusBuild {
  image: string;
  /** Path of promtool on this machine. */
  promtool: string;
}

export function prometheusBuild(): PrometheusBuild | undefined {
  const { E2E_PROMETHEUS_IMAGE: image, E2E_PROMTOOL: promtool } = process.env;
  return image && promtool ? { image, promtool } : undefined;
}

/** Finds pods as the operator does for the chart's PodMonitor: by the name of the port, with namespace and pod as labels. */
const configuration = (namespace: string): object => ({
  global: { scrape_interval: '2s', evaluation_interval: '2s' },
  rule_files: ['/etc/prometheus/rules.yaml'],
  scrape_configs: [
    {
      job_name: 'headwater',
      honor_labels: true,
      kubernetes_sd_configs: [{ role: 'pod', namespaces: { names: [namespace] } }],
      relabel_configs: [
        { source_labels: ['__meta_kubernetes_pod_container_port_name'], regex: 'ops', action: 'keep' },
        { source_labels: ['__meta_kubernetes_namespace'], target_label: 'namespace' },
        { source_labels: ['__meta_kubernetes_pod_name'], target_label: 'pod' },
      ],
    },
  ],
});

const manifests = (namespace: string, image: string, rules: object): object[] => {
  const metadata = { name: 'prometheus', labels: { app: 'prometheus' } };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata,
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'prometheus' },
      subjects: [{ kind: 'ServiceAccount', name: 'prometheus', namespace }],
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      // JSON is YAML.
      data: {
        'prometheus.yaml': JSON.stringify(configuration(namespace)),
        'rules.yaml': JSON.stringify(rules),
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: { app: 'prometheus' }, ports: [{ port: 9090 }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        selector: { matchLabels: { app: 'prometheus' } },
        template: {
          metadata: { labels: { app: 'prometheus' } },
          spec: {
            serviceAccountName: 'prometheus',
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 65532,
              seccompProfile: { type: 'RuntimeDefault' },
            },
            containers: [
              {
                name: 'prometheus',
                image,
                imagePullPolicy: 'IfNotPresent',
                command: [
                  '/prometheus',
                  '--config.file=/etc/prometheus/prometheus.yaml',
                  '--storage.tsdb.path=/data',
                ],
                securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
                readinessProbe: { httpGet: { path: '/-/ready', port: 9090 }, periodSeconds: 1 },
                volumeMounts: [
                  { name: 'config', mountPath: '/etc/prometheus' },
                  { name: 'data', mountPath: '/data' },
                ],
              },
            ],
            volumes: [
              { name: 'config', configMap: { name: 'prometheus' } },
              { name: 'data', emptyDir: {} },
            ],
          },
        },
      },
    },
  ];
};

export interface Sample {
  metric: Record<string, string>;
  /** Seconds, and the value as text. */
  value: [number, string];
}

/** A Prometheus in a namespace of the cluster that scrapes the pods beside it. */
export class Prometheus {
  private constructor(private readonly forward: Forward) {}

  static async start(namespace: string, build: PrometheusBuild, rules: object): Promise<Prometheus> {
    const all = manifests(namespace, build.image, rules).map((object) => JSON.stringify(object));
    await apply(namespace, all.join('\n---\n'));
    await kubectl('-n', namespace, 'rollout', 'status', 'deployment/prometheus', '--timeout=120s');
    return new Prometheus(await Forward.to(namespace, 'prometheus', 9090));
  }

  /** @throws when the expression is wrong */
  async query(expression: string): Promise<Sample[]> {
    const { result } = await this.get<{ result: Sample[] }>(
      `query?${new URLSearchParams({ query: expression })}`,
    );
    return result;
  }

  /** Its answer to `GET /api/v1/…`. */
  async get<Data>(path: string): Promise<Data> {
    const response = await fetch(`http://127.0.0.1:${this.forward.port}/api/v1/${path}`);
    const { data, error } = (await response.json()) as { data: Data; error?: string };
    if (!response.ok) throw new Error(`Prometheus refused ${path}: ${error}`);
    return data;
  }

  close(): void {
    this.forward.close();
  }
}
