// docs/reference/configuration.md: the variables of every process, from the schemas that read them.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './prepare.mjs';

const require = createRequire(import.meta.url);

/** Folders below `apps/` with a config.ts, in the order of their names. */
const apps = () =>
  [
    ...readdirSync(join(root, 'apps')),
    ...readdirSync(join(root, 'apps', 'workers')).map((name) => `workers/${name}`),
  ]
    .filter((app) => {
      try {
        return readFileSync(join(root, 'apps', app, 'src', 'config.ts')).length > 0;
      } catch {
        return false;
      }
    })
    .sort();

/** What stands in the comment before each variable of a source file. */
function commentsOf(file) {
  const ts = require('typescript');
  const source = ts.createSourceFile(
    file,
    readFileSync(join(root, file), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const comments = new Map();
  const visit = (node) => {
    if (ts.isPropertyAssignment(node) && node.jsDoc?.length > 0) {
      const { comment } = node.jsDoc.at(-1);
      comments.set(node.name.getText(), ts.getTextOfJSDocComment(comment)?.replace(/\s+/g, ' ') ?? '');
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return comments;
}

/** Values as a reader of an environment would say it. */
function valuesOf(property) {
  if (property?.enum) return property.enum.map((value) => `\`${value}\``).join(', ');
  switch (property?.type) {
    case 'integer':
    case 'number': {
      const { minimum, exclusiveMinimum, maximum } = property;
      const range = [
        minimum === undefined || minimum < -1e15 ? '' : `from ${minimum}`,
        exclusiveMinimum === undefined ? '' : `above ${exclusiveMinimum}`,
        maximum === undefined || maximum > 1e15 ? '' : `to ${maximum}`,
      ].filter(Boolean);
      return [property.type, ...range].join(' ');
    }
    default:
      return 'text';
  }
}

function tableOf(schema, comments) {
  const { z } = require('zod');
  const as = (io) => z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  const input = as('input');
  const output = as('output');
  return [
    '| variable | values | default | meaning |',
    '|---|---|---|---|',
    ...Object.keys(schema.shape).map((name) => {
      const meaning = comments.get(name);
      if (!meaning) throw new Error(`${name} needs a comment before it that says what it means`);
      const standard = input.properties[name]?.default;
      const fallback = input.required?.includes(name)
        ? '**required**'
        : standard === undefined || standard === ''
          ? ''
          : `\`${standard}\``;
      return `| \`${name}\` | ${valuesOf(output.properties[name])} | ${fallback} | ${meaning} |`;
    }),
    '',
  ];
}

export function writeConfigReference() {
  const { opsConfig } = require('@headwater/platform');
  const { z } = require('zod');
  const shared = commentsOf('libs/platform/src/config.ts');
  const page = [
    '# Configuration',
    '',
    'Generated from each process’s `config.ts` by `npm run generate`; do not edit.',
    '',
    'Every process reads its environment once, at its start, and lists every fault at once. For each `NAME`, `NAME_FILE` may',
    'name a file with the value instead, for what is secret. A database without its migrations makes a process wait, not',
    'ready: run `node apps/APP/dist/migrate.js` with the same variables first, where the app has one. Tracing is off unless',
    '`OTEL_EXPORTER_OTLP_ENDPOINT` is set.',
    '',
    'A process starts with `node apps/APP/dist/main.js` after `npm run build`. On `HEADWATER_OPS_PORT` it answers `/livez`',
    '(the event loop turns), `/readyz` (what it waits for) and `/metrics` (Prometheus). SIGTERM and SIGINT end it in order,',
    'with exit code 0.',
    '',
    '## Every process',
    '',
    ...tableOf(z.object(opsConfig), shared),
    ...apps().flatMap((app) => {
      const { schema } = require(join(root, 'apps', app, 'dist', 'config.js'));
      const own = commentsOf(`apps/${app}/src/config.ts`);
      return [`## apps/${app}`, '', ...tableOf(schema, new Map([...shared, ...own]))];
    }),
  ].join('\n');
  mkdirSync(join(root, 'docs', 'reference'), { recursive: true });
  writeFileSync(join(root, 'docs', 'reference', 'configuration.md'), `${page.trimEnd()}\n`);
}
