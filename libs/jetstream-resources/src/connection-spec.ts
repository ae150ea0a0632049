import { z } from 'zod';
import { OwnFieldTable, SpecOf, specSchema } from './field';
import { report, Rule } from './rule';
import { setOf, text } from './value-types';

const secretName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/, 'must be a name of a Secret')
  .describe('Name of the Secret, in the namespace of the Connection.');
const key = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[-._a-zA-Z0-9]+$/, 'must be a key of a Secret');

/** A key of a Secret; `fallback` when it is not named. */
const secretKey = (fallback: string, meaning: string) =>
  z.strictObject({
    name: secretName,
    key: key.optional().describe(`${meaning}; ${fallback} when not given.`),
  });

const namespace = z
  .string()
  .min(1)
  .max(63)
  .regex(/^(?:\*|[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)$/, 'must be a namespace, or * for all');

export const CONNECTION_FIELDS = {
  servers: {
    type: setOf(
      z
        .string()
        .max(512)
        .regex(
          /^(?:(?:nats|tls):\/\/)?[^ \t\r\n@/]+$/,
          'must be an address such as nats://nats:4222, without credentials',
        ),
      32,
    ),
    description: 'Addresses of the NATS servers; one that answers is enough.',
    required: true,
  },
  tls: {
    type: z.strictObject({
      caSecret: secretKey('ca.crt', 'Key of the authority’s certificate')
        .optional()
        .describe('Authority that has signed the servers’ certificates; the system’s when not given.'),
      clientSecret: z
        .strictObject({
          name: secretName,
          certKey: key.optional().describe('Key of the certificate; tls.crt when not given.'),
          keyKey: key.optional().describe('Key of the private key; tls.key when not given.'),
        })
        .optional()
        .describe('Certificate by which the servers know us.'),
      handshakeFirst: z
        .boolean()
        .optional()
        .describe('TLS comes before anything else, for servers with handshake_first.'),
      insecureSkipVerify: z
        .boolean()
        .optional()
        .describe('Accepts every certificate. Anybody between can then read and change everything.'),
    }),
    description: 'How the connection is encrypted; as the servers ask for when not given.',
  },
  credentials: {
    type: z.strictObject({
      creds: secretKey('nats.creds', 'Key of the file')
        .optional()
        .describe('A credentials file with a JWT and its seed.'),
      nkey: secretKey('nkey.seed', 'Key of the seed').optional().describe('The seed of an NKey.'),
      token: secretKey('token', 'Key of the token').optional().describe('A token.'),
      userPassword: z
        .strictObject({
          name: secretName,
          userKey: key.optional().describe('Key of the user; username when not given.'),
          passwordKey: key.optional().describe('Key of the password; password when not given.'),
        })
        .optional()
        .describe('A user with a password.'),
    }),
    description: 'Who we are to the servers, from one Secret; nobody when not given.',
  },
  jsDomain: {
    type: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[^ \t\r\n.*>]+$/, 'must be a name without dots and spaces'),
    description: 'JetStream domain whose API is used.',
  },
  inboxPrefix: {
    type: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[^ \t\r\n.*>]+$/, 'must be a name without dots and spaces'),
    description:
      'First part of the subjects that answers come to, for servers that let each user read only its own; _INBOX when not given.',
  },
  account: {
    type: text,
    description: 'A note of the account that the credentials belong to; it changes nothing.',
  },
  allowedNamespaces: {
    type: setOf(namespace, 256),
    description:
      'Namespaces whose Streams and Consumers may use this Connection beside its own; * allows all. A controller that watches one namespace knows only that one’s.',
  },
} as const satisfies OwnFieldTable;

export type ConnectionSpec = SpecOf<typeof CONNECTION_FIELDS>;
export const CONNECTION_SHAPE = specSchema(CONNECTION_FIELDS);

export const CONNECTION_RULES: readonly Rule<ConnectionSpec>[] = [
  {
    field: 'credentials',
    message: 'give exactly one of creds, nkey, token and userPassword',
    cel: '!has(self.credentials) || [has(self.credentials.creds), has(self.credentials.nkey), has(self.credentials.token), has(self.credentials.userPassword)].filter(given, given).size() == 1',
    holds: ({ credentials }) =>
      credentials === undefined ||
      Object.values(credentials).filter((value) => value !== undefined).length === 1,
  },
];

/** Spec of a `Connection`: where the servers are and who we are to them. */
export const connectionSpec = CONNECTION_SHAPE.superRefine((spec, context) =>
  report(CONNECTION_RULES, spec, context),
);
