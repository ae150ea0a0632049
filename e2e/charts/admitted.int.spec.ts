import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeWithControlPlane, startTestControlPlane, type TestControlPlane } from '@headwater/testing';
import { parseAllDocuments } from 'yaml';
import { BUILD_MS, CHARTS, chartFolder, helm, type Manifest, render } from './render';

const CRDS = join(chartFolder('jetstream-controller'), 'crds');
const CASES = CHARTS.flatMap((chart) =>
  readdirSync(join(chartFolder(chart), 'ci')).map((file) => [chart, file] as const),
);
/** Kinds of the Prometheus operator and of KEDA, whose CRDs are not here. */
const ABSENT = /^(keda\.sh|monitoring\.coreos\.com)\//;

/** Where objects of a kind are created; every kind's plural is regular but these. */
function pathOf({ apiVersion, kind, metadata }: Manifest): string {
  const plural = /y$/.test(kind) ? kind.replace(/y$/, 'ies') : /s$/.test(kind) ? `${kind}es` : `${kind}s`;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${root}${scope}/${plural.toLowerCase()}?dryRun=All&fieldValidation=Strict`;
}

describeWithControlPlane('a real API server', () => {
  let plane: TestControlPlane;

  beforeAll(async () => {
    await helm('version');
    plane = await startTestControlPlane();
    const crds = readdirSync(CRDS).flatMap((file) =>
      parseAllDocuments(readFileSync(join(CRDS, file), 'utf8')).map((document) => document.toJS() as object),
    );
    await plane.installCrds(...crds);
    await plane.request({
      method: 'POST',
      path: '/api/v1/namespaces',
      body: {
        metadata: { name: 'orders', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
      },
    });
  }, BUILD_MS);

  afterAll(() => plane.stop(), 30_000);

  it.each(CASES)('admits all of %s with ci/%s, into a restricted namespace', async (chart, file) => {
    const manifests = await render(chart, { values: join(chartFolder(chart), 'ci', file) });
    const own = manifests.filter(({ apiVersion }) => !ABSENT.test(apiVersion));
    const refusals: string[] = [];
    for (const manifest of own) {
      await plane
        .request({ method: 'POST', path: pathOf(manifest), body: manifest })
        .catch((error: Error) => {
          // The service account of the test's pod is not there in a dry run.
          if (!/serviceaccount .* not found/.test(error.message))
            refusals.push(`${manifest.kind} ${manifest.metadata.name}: ${error.message}`);
        });
    }
    expect(own.length).toBeGreaterThan(5);
    expect(refusals).toEqual([]);
  });

  it('refuses what breaks a rule, so that admitting means something', async () => {
    const manifests = await render('headwater', {
      set: ['bundled.enabled=true', 'streams.overrides.orders.duplicateWindow=soon'],
    });
    const orders = manifests.find(({ kind, metadata }) => kind === 'Stream' && metadata.name === 'orders')!;
    await expect(plane.request({ method: 'POST', path: pathOf(orders), body: orders })).rejects.toThrow(
      /duplicateWindow/,
    );
  });
});
