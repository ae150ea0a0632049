import { z } from 'zod';
import { CONNECTION_FIELDS, CONNECTION_RULES, CONNECTION_SHAPE } from './connection-spec';
import { CONSUMER_RULES, CONSUMER_TRANSITIONS } from './consumer-rules';
import { CONSUMER_ALL_FIELDS, CONSUMER_SHAPE } from './consumer-spec';
import { CONNECTION, CONSUMER, Kind, STREAM } from './kinds';
import { connectionStatus, consumerStatus, streamStatus } from './status';
import { STREAM_RULES, STREAM_TRANSITIONS } from './stream-rules';
import { STREAM_ALL_FIELDS, STREAM_SHAPE } from './stream-spec';

/** A JSON Schema as the API server takes it. */
export type OpenApi = { [member: string]: unknown };

interface RuleText {
  readonly cel: string;
  readonly message: string;
  readonly field: string;
}

interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** Shown by `kubectl get -o wide` only. */
  readonly priority?: 1;
}

/** Everything that a kind's custom resource definition and reference page are made of. */
export interface KindDefinition {
  readonly kind: Kind;
  readonly description: string;
  readonly fields: Readonly<Record<string, { readonly description: string }>>;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly rules: readonly RuleText[];
  readonly transitions: readonly RuleText[];
  readonly columns: readonly Column[];
}

const condition = (type: string, member: string): string =>
  `.status.conditions[?(@.type=="${type}")].${member}`;
const column = (
  name: string,
  type: Column['type'],
  jsonPath: string,
  description: string,
  priority?: 1,
): Column => ({ name, type, jsonPath, description, ...(priority === undefined ? {} : { priority }) });
const READY = column('Ready', 'string', condition('Ready', 'status'), 'Whether it is as declared.');
const REASON = column('Reason', 'string', condition('Ready', 'reason'), 'Why it is so.');
const AGE = column('Age', 'date', '.metadata.creationTimestamp', 'When the resource was made.');

export const DEFINITIONS: readonly KindDefinition[] = [
  {
    kind: STREAM,
    description: 'A JetStream stream: it keeps the messages of its subjects.',
    fields: STREAM_ALL_FIELDS,
    spec: STREAM_SHAPE,
    status: streamStatus,
    rules: STREAM_RULES,
    transitions: STREAM_TRANSITIONS,
    columns: [
      READY,
      REASON,
      column('Messages', 'integer', '.status.messages', 'Messages that it holds.'),
      column('Stream', 'string', '.spec.name', 'Name in JetStream.', 1),
      column('Replicas', 'string', '.status.replicas', 'Replicas that keep up, of all.', 1),
      column('Leader', 'string', '.status.leader', 'Server that leads it.', 1),
      AGE,
    ],
  },
  {
    kind: CONSUMER,
    description: 'A durable JetStream consumer: how far a group of readers has come in a stream.',
    fields: CONSUMER_ALL_FIELDS,
    spec: CONSUMER_SHAPE,
    status: consumerStatus,
    rules: CONSUMER_RULES,
    transitions: CONSUMER_TRANSITIONS,
    columns: [
      READY,
      REASON,
      column('Pending', 'integer', '.status.pending', 'Messages that wait for delivery.'),
      column('Stream', 'string', '.spec.streamName', 'Stream that it reads.', 1),
      column('Ack pending', 'integer', '.status.ackPending', 'Messages delivered and not acknowledged.', 1),
      column('Redelivered', 'integer', '.status.redelivered', 'Messages delivered more than once.', 1),
      AGE,
    ],
  },
  {
    kind: CONNECTION,
    description: 'A NATS server or cluster, and who we are to it. Its Ready means that it has connected.',
    fields: CONNECTION_FIELDS,
    spec: CONNECTION_SHAPE,
    status: connectionStatus,
    rules: CONNECTION_RULES,
    transitions: [],
    columns: [
      READY,
      REASON,
      column('Server', 'string', '.status.connectedUrl', 'Server that it is connected to.'),
      column('Version', 'string', '.status.serverVersion', 'Version of that server.', 1),
      column('Objects', 'integer', '.status.objects', 'Streams and consumers that use it.', 1),
      AGE,
    ],
  },
];

/** The structural schema of a kind's spec, with descriptions, defaults and rules. */
export function specOpenApi({ spec, fields, rules, transitions, description }: KindDefinition): OpenApi {
  const schema = openApiOf(spec);
  const properties: OpenApi = {};
  for (const [name, property] of Object.entries(isObject(schema['properties']) ? schema['properties'] : {})) {
    properties[name] = { description: fields[name]?.description, ...(isObject(property) ? property : {}) };
  }
  return {
    description,
    ...schema,
    properties,
    'x-kubernetes-validations': [...rules, ...transitions].map(({ cel, message, field }) => ({
      rule: cel,
      message,
      fieldPath: `.${field}`,
    })),
  };
}

/** The custom resource definition of a kind, as the API server takes it. */
export function customResourceDefinition(definition: KindDefinition): OpenApi {
  const { kind, columns, description, status } = definition;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${kind.group}` },
    spec: {
      group: kind.group,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        shortNames: kind.shortNames,
        categories: ['headwater'],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: kind.version,
          served: true,
          storage: true,
          additionalPrinterColumns: columns,
          subresources: { status: {} },
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description,
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: specOpenApi(definition),
                status: { description: 'How it is; written by the controller.', ...openApiOf(status) },
              },
            },
          },
        },
      ],
    },
  };
}

const openApiOf = (schema: z.ZodType): OpenApi =>
  structural(z.toJSONSchema(schema, { io: 'input', target: 'openapi-3.0', unrepresentable: 'any' }));

/** What the API server asks of a schema: unknown fields are pruned rather than forbidden, and numbers say their width. */
function structural(schema: unknown): OpenApi {
  if (!isObject(schema)) return {};
  const result: OpenApi = {};
  for (const [name, member] of Object.entries(schema)) {
    if (name === '$schema' || (name === 'additionalProperties' && member === false)) continue;
    if (name === 'properties' && isObject(member)) {
      result[name] = Object.fromEntries(
        Object.entries(member).map(([field, inner]) => [field, structural(inner)]),
      );
    } else if (name === 'items' || name === 'additionalProperties') result[name] = structural(member);
    else result[name] = member;
  }
  // The format says it, and its pattern would be a page long.
  if (result['format'] === 'date-time') delete result['pattern'];
  if (result['type'] === 'integer') result['format'] = 'int64';
  return result;
}

const isObject = (value: unknown): value is OpenApi =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
