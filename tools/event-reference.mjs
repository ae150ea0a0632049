// docs/reference/events.md: the event catalogue as a page.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './prepare.mjs';

const fieldsOf = (schema) =>
  Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const type =
      property.enum?.map((value) => `"${value}"`).join(' \\| ') ??
      (Array.isArray(property.type) ? property.type.join(' or ') : property.type) ??
      'object';
    return `| \`${name}\` | ${type} | ${schema.required?.includes(name) ? 'yes' : 'no'} |`;
  });

export function writeEventReference() {
  const require = createRequire(import.meta.url);
  const { ORDER_EVENTS, DEAD_LETTER_EVENTS } = require('@headwater/contracts');
  const { z } = require('zod');
  const section = (title, events) => [
    `## ${title}`,
    '',
    ...Object.values(events).flatMap((event) => [
      `### ${event.type}`,
      '',
      `${event.summary} Schema version ${event.version}.`,
      '',
      '| field | type | required |',
      '|---|---|---|',
      ...fieldsOf(z.toJSONSchema(event.schema, { io: 'input', unrepresentable: 'any' })),
      '',
    ]),
  ];
  const page = [
    '# Events',
    '',
    'Generated from `libs/contracts` by `npm run generate`; do not edit.',
    '',
    ...section('Orders', ORDER_EVENTS),
    ...section('Dead letters', DEAD_LETTER_EVENTS),
  ].join('\n');
  mkdirSync(join(root, 'docs', 'reference'), { recursive: true });
  writeFileSync(join(root, 'docs', 'reference', 'events.md'), `${page.trimEnd()}\n`);
}
