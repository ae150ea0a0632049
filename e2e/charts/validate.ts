import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from './render';

interface Schema {
  type?: string;
  $ref?: string;
  required?: string[];
  enum?: unknown[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  items?: Schema;
  'x-kubernetes-int-or-string'?: boolean;
  format?: string;
}

/** What a Kubernetes release publishes of its API, as `tools/kubernetes-schemas.mjs` keeps it. */
export interface ApiSchemas {
  version: string;
  kinds: Record<string, string>;
  definitions: Record<string, Schema>;
}

const FOLDER = join(__dirname, 'schemas');

export const API_SCHEMAS: readonly ApiSchemas[] = readdirSync(FOLDER)
  .sort()
  .map((file) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as ApiSchemas);

/** Whether the API of that release has such a kind. */
export const isKnown = ({ apiVersion, kind }: Manifest, { kinds }: ApiSchemas): boolean =>
  `${apiVersion} ${kind}` in kinds;

/** What a strict API server (`fieldValidation=Strict`) would find wrong with the types and names of an object's fields. */
export function faultsOf(manifest: Manifest, schemas: ApiSchemas): string[] {
  const name = schemas.kinds[`${manifest.apiVersion} ${manifest.kind}`];
  if (name === undefined)
    return [`Kubernetes ${schemas.version} has no ${manifest.apiVersion} ${manifest.kind}`];
  return [
    ...faults(
      manifest,
      { $ref: `#/definitions/${name}` },
      `${manifest.kind} ${manifest.metadata.name}`,
      schemas,
    ),
  ];
}

function* faults(value: unknown, given: Schema, path: string, schemas: ApiSchemas): Generator<string> {
  const schema = given.$ref ? schemas.definitions[given.$ref.replace('#/definitions/', '')] : given;
  if (!schema) {
    yield `${path}: the schema ${given.$ref} is missing`;
    return;
  }
  if (value === null || value === undefined) {
    yield `${path} is empty`;
    return;
  }
  if (schema.enum && !schema.enum.includes(value))
    yield `${path} is ${String(value)}, not one of ${schema.enum.join(', ')}`;
  if (schema.format === 'int-or-string') {
    if (!Number.isInteger(value) && typeof value !== 'string')
      yield `${path} is neither a whole number nor text`;
    return;
  }
  switch (schema.type) {
    case 'string':
      if (typeof value !== 'string' && !isQuantity(given, value))
        yield `${path} is ${typeof value}, not text`;
      return;
    case 'integer':
      if (!Number.isInteger(value)) yield `${path} is no whole number`;
      return;
    case 'number':
      if (typeof value !== 'number') yield `${path} is no number`;
      return;
    case 'boolean':
      if (typeof value !== 'boolean') yield `${path} is neither true nor false`;
      return;
    case 'array':
      if (!Array.isArray(value)) yield `${path} is no list`;
      else
        for (const [index, item] of value.entries())
          yield* faults(item, schema.items ?? {}, `${path}[${index}]`, schemas);
      return;
    default:
      yield* faultsOfObject(value, schema, path, schemas);
  }
}

/** Quantities may be written as numbers: the API takes both. */
const isQuantity = ({ $ref }: Schema, value: unknown): boolean =>
  typeof value === 'number' && $ref?.endsWith('api.resource.Quantity') === true;

function* faultsOfObject(
  value: unknown,
  schema: Schema,
  path: string,
  schemas: ApiSchemas,
): Generator<string> {
  const { properties, additionalProperties, required = [] } = schema;
  if (!properties && !additionalProperties) return;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    yield `${path} is no object`;
    return;
  }
  const fields = value as Record<string, unknown>;
  for (const key of required) if (fields[key] === undefined) yield `${path}.${key} is missing`;
  for (const [key, item] of Object.entries(fields)) {
    const own = properties?.[key] ?? additionalProperties;
    if (own) yield* faults(item, own, `${path}.${key}`, schemas);
    else yield `${path}.${key} is unknown`;
  }
}
