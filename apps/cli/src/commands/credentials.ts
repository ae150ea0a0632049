import { randomBytes } from 'node:crypto';
import { NATS_USERS } from '@headwater/contracts';
import {
  isConflict,
  KubernetesClient,
  type KubernetesObject,
  type ResourceType,
} from '@headwater/kubernetes';
import { addressOf, SQL_USERS } from '@headwater/local-platform';
import { CommandFailed } from '../command-failed';
import { addressKey, passwordKey, SUPERUSER_KEY } from '../credential-keys';
import { print } from '../table';

const SECRET: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
};

/** Texts by key. */
type Texts = Readonly<Record<string, string>>;

/**
 * Makes the Secrets with the passwords of a bundled NATS and PostgreSQL. What is there stays as it is, whoever made it: data
 * on a volume knows its passwords. Only keys that are missing are added.
 */
export async function createCredentials(options: {
  natsSecret: string;
  databaseSecret: string;
  databaseHost: string;
}): Promise<void> {
  const client = await KubernetesClient.fromEnvironment();
  try {
    const { namespace } = client;
    if (namespace === undefined)
      throw new CommandFailed('there is no namespace; run this in a pod, or set one in the kubeconfig');
    for (const [name, complete] of [
      [options.natsSecret, natsCredentials],
      [options.databaseSecret, (known: Texts) => databaseCredentials(known, options.databaseHost)],
    ] as const) {
      print(`Secret ${name} ${await ensureSecret(client, { namespace, name }, complete)}`);
    }
  } finally {
    await client.close();
  }
}

async function ensureSecret(
  client: KubernetesClient,
  ref: { namespace: string; name: string },
  complete: (known: Texts) => Texts,
): Promise<'created' | 'completed' | 'unchanged'> {
  // Twice at most: somebody else may create it, or change it, between the look and the write.
  for (let attempt = 1; ; attempt += 1) {
    const present = await client.get(SECRET, ref);
    const known = present ? textsOf(present) : {};
    const wanted = complete(known);
    const data = encoded(Object.entries(wanted).filter(([key, text]) => known[key] !== text));
    try {
      if (!present) {
        await client.create(SECRET, { apiVersion: 'v1', kind: 'Secret', metadata: ref, data });
        return 'created';
      }
      if (Object.keys(data).length === 0) return 'unchanged';
      const { resourceVersion } = present.metadata;
      await client.patch(SECRET, ref, { metadata: { resourceVersion }, data });
      return 'completed';
    } catch (error) {
      if (attempt > 1 || !isConflict(error)) throw error;
    }
  }
}

/** A password for each user, and all of them as variables of nats-server's configuration. */
function natsCredentials(known: Texts): Texts {
  const users = Object.keys(NATS_USERS);
  const passwords = Object.fromEntries(users.map((user) => [user, known[user] ?? password()]));
  const variables = users.map((user) => `PASSWORD_${user}: ${JSON.stringify(passwords[user])}\n`);
  return { ...passwords, 'passwords.conf': variables.join('') };
}

function databaseCredentials(known: Texts, host: string): Texts {
  const texts: Record<string, string> = { [SUPERUSER_KEY]: known[SUPERUSER_KEY] ?? password() };
  for (const user of SQL_USERS) {
    const own = known[passwordKey(user)] ?? password();
    texts[passwordKey(user)] = own;
    texts[addressKey(user)] = addressOf({ host, port: 5432 }, user, own);
  }
  return texts;
}

const password = (): string => randomBytes(24).toString('base64url');

const encoded = (texts: readonly [string, string][]): Record<string, string> =>
  Object.fromEntries(texts.map(([key, text]) => [key, Buffer.from(text).toString('base64')]));

function textsOf({ data }: KubernetesObject): Texts {
  const entries = typeof data === 'object' && data !== null ? Object.entries(data) : [];
  return Object.fromEntries(
    entries.map(([key, value]) => [key, Buffer.from(String(value), 'base64').toString()]),
  );
}
