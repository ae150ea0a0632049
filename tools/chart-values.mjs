/**
 * A chart's values.schema.json and its README's table, from values.yaml: each key's meaning and type stand above it.
 *
 * The comment is the description. Lines in it that begin with @ say more:
 *   @schema {…}     merged into what the default value says about the type
 *   @define NAME    this block's keys are a set of keys
 *   @extends NAME   this block has those keys too
 *   @map {…}        this block is a map by free names; these keys, and those it extends, belong to each entry
 *   @subchart       this block is another chart's, which has a schema of its own
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './prepare.mjs';

const { parse } = createRequire(import.meta.url)('yaml');
const CHARTS = ['jetstream-controller', 'headwater'];

export function writeChartValues() {
  for (const chart of CHARTS) {
    const folder = join(root, 'charts', chart);
    const text = readFileSync(join(folder, 'values.yaml'), 'utf8');
    const notes = notesOf(text);
    const values = parse(text);
    const context = { notes, definitions: {} };
    const properties = propertiesOf(values, [], context);
    const schema = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: `Values of ${chart}`,
      type: 'object',
      // Helm puts these two into every chart that is another's dependency.
      properties: { global: { type: 'object' }, enabled: { type: 'boolean' }, ...properties },
      additionalProperties: false,
    };
    writeFileSync(join(folder, 'values.schema.json'), `${JSON.stringify(schema, null, 2)}\n`);
    writeTable(join(folder, 'README.md'), rowsOf(values, [], context));
  }
}

/** What stands above each key, by its path: `{ text, directives }`. */
function notesOf(text) {
  const notes = new Map();
  const path = [];
  let comment = [];
  for (const line of text.split('\n')) {
    const remark = /^ *# ?(.*)$/.exec(line);
    const key = /^( *)([A-Za-z][\w.-]*):/.exec(line);
    if (remark) comment.push(remark[1]);
    else if (key) {
      const depth = key[1].length / 2;
      path.length = depth;
      path.push(key[2]);
      const directives = {};
      for (const said of comment.filter((part) => part.startsWith('@'))) {
        const [, name, rest] = /^@(\w+) ?(.*)$/.exec(said);
        directives[name] = rest;
      }
      notes.set(path.join('.'), {
        text: comment.filter((part) => !part.startsWith('@')).join(' '),
        directives,
      });
      comment = [];
    } else comment = [];
  }
  return notes;
}

const noteOf = (path, { notes }) => notes.get(path.join('.')) ?? { text: '', directives: {} };

function propertiesOf(values, path, context) {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, schemaOf(value, [...path, key], context)]),
  );
}

function schemaOf(value, path, context) {
  const { text, directives } = noteOf(path, context);
  const described = text ? { description: text } : {};
  if ('subchart' in directives) return { ...described, type: 'object' };
  const own = directives.schema ? JSON.parse(directives.schema) : {};
  const shared = directives.extends ? context.definitions[directives.extends] : {};
  if ('map' in directives) {
    const properties = { ...JSON.parse(directives.map), ...shared };
    return {
      ...described,
      type: 'object',
      additionalProperties: { type: ['object', 'null'], properties, additionalProperties: false },
    };
  }
  const inferred = inferredOf(value, path, context, shared);
  if (directives.define) context.definitions[directives.define] = inferred.properties;
  return { ...described, ...inferred, ...own };
}

function inferredOf(value, path, context, shared) {
  if (Array.isArray(value)) return { type: 'array' };
  switch (typeof value) {
    case 'string':
      return { type: 'string' };
    case 'boolean':
      return { type: 'boolean' };
    case 'number':
      return { type: Number.isInteger(value) ? 'integer' : 'number' };
    case 'object':
      return value === null
        ? {}
        : {
            type: 'object',
            properties: { ...propertiesOf(value, path, context), ...shared },
            // Parents and siblings keep values of their own in `global`.
            additionalProperties: path.join('.') === 'global',
          };
    default:
      throw new Error(`${path.join('.')} has no type that a value may have`);
  }
}

/** A row for each key that has no keys below it, with its default. */
function rowsOf(values, path, context) {
  return Object.entries(values).flatMap(([key, value]) => {
    const here = [...path, key];
    const { text, directives } = noteOf(here, context);
    const isBlock =
      typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
    if ('map' in directives || directives.extends) {
      const kept = 'map' in directives ? 'what each is' : 'as `defaults`';
      return [[`${here.join('.')}${'map' in directives ? '.<name>' : ''}.*`, kept, text]];
    }
    if (!isBlock || 'schema' in directives) {
      const meaning = text || noteOf(path, context).text;
      if (!meaning) throw new Error(`${here.join('.')} needs a comment above it that says what it means`);
      return [[here.join('.'), `\`${JSON.stringify(value)}\``, meaning]];
    }
    const rows = rowsOf(value, here, context);
    return text ? [[`**${here.join('.')}**`, '', text], ...rows] : rows;
  });
}

const BEGIN = '<!-- values: made from values.yaml by npm run generate -->';
const END = '<!-- end of values -->';

function writeTable(file, rows) {
  const page = readFileSync(file, 'utf8');
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${file} has no place for the table of values`);
  const cell = (text) => text.replaceAll('|', '\\|');
  const table = [
    '| value | default | meaning |',
    '|---|---|---|',
    ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
  ];
  writeFileSync(file, `${before}${BEGIN}\n\n${table.join('\n')}\n\n${END}${after}`);
}
