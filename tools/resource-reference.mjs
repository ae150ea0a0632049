// Custom resource definitions of the controller's chart and docs/reference/ pages of its kinds, from the tables that declare them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './prepare.mjs';

const require = createRequire(import.meta.url);

/** A type as somebody would say it who writes the manifest. */
function typeOf(schema) {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(' ');
  switch (schema.type) {
    case 'array':
      return `list of ${typeOf(schema.items)}`;
    case 'object':
      return schema.additionalProperties ? 'map of text' : 'object';
    case 'integer': {
      const { minimum, maximum } = schema;
      const most = maximum === undefined || maximum >= 2 ** 31 - 1 ? '' : ` to ${maximum}`;
      return `integer from ${minimum}${most}`;
    }
    case 'string':
      if (schema.format === 'date-time') return 'time';
      return schema.pattern?.includes('ns|us') ? 'duration' : 'text';
    default:
      return schema.type ?? 'text';
  }
}

/** One row per field, those of objects and lists of objects under their path. */
function rowsOf(schema, path = '') {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const here = `${path}${name}`;
    const needed = schema.required?.includes(name) ? '**required**' : '';
    const standard = property.default === undefined ? needed : `\`${property.default}\``;
    const meaning = (property.description ?? '').replaceAll('|', '\\|').replaceAll('\n', ' ');
    const list = property.type === 'array' ? '[]' : '';
    const inner = property.type === 'array' ? property.items : property;
    return [
      `| \`${here}\` | ${typeOf(property)} | ${standard} | ${meaning} |`,
      ...rowsOf(inner, `${here}${list}.`),
    ];
  });
}

/** Rules of objects inside the spec stand at those objects. */
function rulesOf(schema, path) {
  const own = (schema['x-kubernetes-validations'] ?? []).map(
    ({ message, fieldPath = '' }) => `- \`${path}${fieldPath}\`: ${message}`,
  );
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    rulesOf(property, `${path}.${name}`),
  );
  const items = schema.items ? rulesOf(schema.items, `${path}[]`) : [];
  return [...own, ...inner, ...items];
}

function pageOf(definition, specOpenApi, crd) {
  const { kind, description } = definition;
  const spec = specOpenApi(definition);
  const { status } = crd.spec.versions[0].schema.openAPIV3Schema.properties;
  const table = (heading) => [`| ${heading} | type | default | meaning |`, '|---|---|---|---|'];
  return [
    `# ${kind.kind}`,
    '',
    'Generated from `libs/jetstream-resources` by `npm run generate`; do not edit.',
    '',
    description,
    '',
    `\`apiVersion: ${kind.group}/${kind.version}\`, \`kind: ${kind.kind}\`; \`kubectl get ${kind.shortNames[0]}\`, or \`kubectl get headwater\` for every kind.`,
    '',
    '## Spec',
    '',
    ...table('field'),
    ...rowsOf(spec),
    '',
    '## Rules',
    '',
    'Checked when a resource is applied, by the API server and by `headwater apply` alike.',
    '',
    ...rulesOf(spec, 'spec'),
    '',
    '## Status',
    '',
    '| field | type | meaning |',
    '|---|---|---|',
    ...rowsOf(status).map((row) => row.replace(/^(\|[^|]*\|[^|]*)\|[^|]*\|/, '$1|')),
    '',
  ].join('\n');
}

export async function writeResourceReference() {
  const { customResourceDefinition, DEFINITIONS, specOpenApi } = require('@headwater/jetstream-resources');
  const { stringify } = require('yaml');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const prettier = require('prettier');
  const style = await prettier.resolveConfig(join(root, 'package.json'));
  const crds = join(root, 'charts', 'jetstream-controller', 'crds');
  const pages = join(root, 'docs', 'reference');
  mkdirSync(crds, { recursive: true });
  mkdirSync(pages, { recursive: true });
  for (const definition of DEFINITIONS) {
    const { plural } = definition.kind;
    const crd = customResourceDefinition(definition);
    // By the annotation an older release knows not to replace a newer one's.
    crd.metadata = {
      ...crd.metadata,
      labels: { 'app.kubernetes.io/part-of': 'headwater' },
      annotations: { 'headwater.dev/version': version },
    };
    const text = `# Generated from libs/jetstream-resources by npm run generate; do not edit.\n${stringify(
      crd,
      {
        aliasDuplicateObjects: false,
        lineWidth: 0,
      },
    )}`;
    writeFileSync(join(crds, `${plural}.yaml`), await prettier.format(text, { ...style, parser: 'yaml' }));
    writeFileSync(join(pages, `${plural}.md`), pageOf(definition, specOpenApi, crd));
  }
}
