import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  BUILD_MS,
  CHARTS,
  type Chart,
  chartFolder,
  helm,
  NEWEST_KUBERNETES,
  type Manifest,
  parseManifests,
  renderText,
} from './render';
import { containersOf, podOf, securityFaults } from './pod-security';
import { API_SCHEMAS, faultsOf, isKnown } from './validate';

/** Kinds that other projects' CRDs bring; their own APIs check them. */
const FOREIGN = /^(jetstream\.headwater\.dev|keda\.sh|monitoring\.coreos\.com)\//;

const casesOf = (chart: Chart): [Chart, string][] =>
  readdirSync(join(chartFolder(chart), 'ci')).map((file) => [chart, file]);
const CASES = CHARTS.flatMap(casesOf);

beforeAll(() => helm('version'), BUILD_MS);

describe.each(CASES)('%s with ci/%s', (chart, file) => {
  const values = join(chartFolder(chart), 'ci', file);
  let text: string;
  let manifests: Manifest[];

  beforeAll(async () => {
    text = await renderText(chart, { values });
    manifests = parseManifests(text);
  });

  it('passes a strict lint', async () => {
    const said = await helm(
      ...['lint', '--strict', '--quiet', '--kube-version', NEWEST_KUBERNETES, '--values', values],
      chartFolder(chart),
    );
    expect(said).not.toMatch(/ERROR|WARNING/);
  });

  it.each(API_SCHEMAS.map((schemas) => [schemas.version, schemas] as const))(
    'is what Kubernetes %s takes',
    async (kubeVersion, schemas) => {
      const own = parseManifests(await renderText(chart, { values, kubeVersion })).filter(
        ({ apiVersion }) => !FOREIGN.test(apiVersion),
      );
      expect(own.length).toBeGreaterThan(5);
      expect(own.filter((manifest) => !isKnown(manifest, schemas)).map(({ kind }) => kind)).toEqual([]);
      expect(own.flatMap((manifest) => faultsOf(manifest, schemas))).toEqual([]);
    },
  );

  it('renders the same twice', async () => {
    expect(await renderText(chart, { values })).toBe(text);
  });

  it('renders no Secret and nothing secret', () => {
    expect(manifests.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    for (const manifest of manifests) {
      const pod = podOf(manifest);
      for (const { env = [] } of pod ? containersOf(pod) : [])
        for (const { name, valueFrom } of env) {
          expect(name).not.toMatch(/PASSWORD$|TOKEN$|DATABASE_URL$/);
          expect(valueFrom?.secretKeyRef).toBeUndefined();
        }
    }
    expect(text).not.toMatch(/postgres(ql)?:\/\/[^@\s]+@/);
  });

  it('makes pods that namespaces labelled `restricted` admit', () => {
    const pods = manifests.flatMap((manifest) => {
      const pod = podOf(manifest);
      return pod ? [{ name: `${manifest.kind} ${manifest.metadata.name}`, pod }] : [];
    });
    expect(pods.length).toBeGreaterThan(0);
    expect(pods.flatMap(({ name, pod }) => securityFaults(pod).map((fault) => `${name} ${fault}`))).toEqual(
      [],
    );
  });

  it('gives a token of the API to nobody who does not need one', () => {
    const holders = manifests.filter((manifest) => {
      const pod = podOf(manifest);
      if (!pod || pod.automountServiceAccountToken === false) return false;
      const account = manifests.find(
        ({ kind, metadata }) => kind === 'ServiceAccount' && metadata.name === pod.serviceAccountName,
      );
      return pod.automountServiceAccountToken === true || account?.['automountServiceAccountToken'] !== false;
    });
    const allowed = /jetstream-controller|-credentials-|-test$/;
    expect(holders.map(({ metadata }) => metadata.name).filter((name) => !allowed.test(name))).toEqual([]);
  });

  it('puts every object into the namespace of the release, under a name of its own', () => {
    const cluster = /^(ClusterRole|ClusterRoleBinding)$/;
    const strays = manifests.filter(
      ({ kind, metadata }) => !cluster.test(kind) && metadata.namespace !== 'orders',
    );
    expect(strays.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([]);
    const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    expect(manifests.filter(({ metadata }) => metadata.name.length > 63)).toEqual([]);
  });
});
