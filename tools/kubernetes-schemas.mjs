// The API schemas that the charts' tests validate against: what the oldest and the newest supported Kubernetes publish, cut
// down to the kinds that the charts render. Run by hand when that range moves: node tools/kubernetes-schemas.mjs (needs Go).
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './prepare.mjs';

const VERSIONS = ['v1.31.14', 'v1.34.4'];
const KINDS = new Set([
  'ClusterRole',
  'ClusterRoleBinding',
  'ConfigMap',
  'Deployment',
  'HorizontalPodAutoscaler',
  'Ingress',
  'Job',
  'NetworkPolicy',
  'Pod',
  'PodDisruptionBudget',
  'Role',
  'RoleBinding',
  'Service',
  'ServiceAccount',
  'StatefulSet',
]);
const KEPT = ['type', 'required', 'enum', 'format', '$ref', 'x-kubernetes-int-or-string'];

const nameOf = (reference) => reference.replace('#/definitions/', '');

/** Types without what only people read. */
function bare(schema) {
  const kept = Object.fromEntries(KEPT.filter((key) => key in schema).map((key) => [key, schema[key]]));
  if (schema.properties)
    kept.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([key, value]) => [key, bare(value)]),
    );
  if (schema.items) kept.items = bare(schema.items);
  if (typeof schema.additionalProperties === 'object')
    kept.additionalProperties = bare(schema.additionalProperties);
  return kept;
}

function collect(name, definitions, found) {
  if (found[name]) return;
  found[name] = bare(definitions[name]);
  const text = JSON.stringify(found[name]);
  for (const [, reference] of text.matchAll(/"\$ref":"([^"]+)"/g))
    collect(nameOf(reference), definitions, found);
}

const folder = join(root, 'e2e', 'charts', 'schemas');
mkdirSync(folder, { recursive: true });
for (const version of VERSIONS) {
  const module = JSON.parse(
    execFileSync('go', ['mod', 'download', '-json', `k8s.io/kubernetes@${version}`], { cwd: tmpdir() }),
  );
  const { definitions } = JSON.parse(
    readFileSync(join(module.Dir, 'api', 'openapi-spec', 'swagger.json'), 'utf8'),
  );
  const kinds = {};
  const found = {};
  for (const [name, definition] of Object.entries(definitions)) {
    for (const { group, version: api, kind } of definition['x-kubernetes-group-version-kind'] ?? []) {
      if (!KINDS.has(kind) || !definition.properties?.metadata) continue;
      kinds[`${group ? `${group}/` : ''}${api} ${kind}`] = name;
      collect(name, definitions, found);
    }
  }
  const file = join(folder, `${/^v(\d+\.\d+)/.exec(version)[1]}.json`);
  writeFileSync(file, `${JSON.stringify({ version, kinds, definitions: found })}\n`);
}
