import type { ConnectionSpec } from '@headwater/jetstream-resources';
import { isForbidden, type KubernetesClient } from '@headwater/kubernetes';
import type { Login, NatsParts } from './nats-settings';
import { SECRET } from './secret-watches';

/** Why a connection can't be made as its resource says; mended by a change of the resource or its Secrets. */
export class ConnectionFault extends Error {
  override readonly name = 'ConnectionFault';
  constructor(
    readonly reason:
      'InvalidSpec' | 'SecretMissing' | 'SecretKeyMissing' | 'SecretForbidden' | 'SecretInvalid',
    message: string,
  ) {
    super(message);
  }
}

/** Names of the Secrets that a spec refers to. */
export function secretsOf({ tls, credentials = {} }: ConnectionSpec): Set<string> {
  const { creds, nkey, token, userPassword } = credentials;
  const named = [tls?.caSecret, tls?.clientSecret, creds, nkey, token, userPassword];
  return new Set(named.flatMap((secret) => (secret ? [secret.name] : [])));
}

/**
 * Everything that a Connection needs, with what its Secrets hold now.
 *
 * @throws ConnectionFault naming the field and the Secret; never what a Secret holds
 */
export async function readParts(
  client: KubernetesClient,
  namespace: string,
  spec: ConnectionSpec,
): Promise<NatsParts> {
  const secrets = new Map<string, Readonly<Record<string, string>>>();
  for (const name of secretsOf(spec)) secrets.set(name, await readSecret(client, namespace, name));
  const value = (name: string, key: string): string => {
    const encoded = secrets.get(name)?.[key];
    if (encoded === undefined || encoded === '') {
      throw new ConnectionFault('SecretKeyMissing', `the Secret ${namespace}/${name} has no key ${key}`);
    }
    return Buffer.from(encoded, 'base64').toString('utf8');
  };
  const { tls, credentials } = spec;
  return {
    servers: spec.servers,
    domain: spec.jsDomain,
    inboxPrefix: spec.inboxPrefix,
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ca: tls.caSecret && value(tls.caSecret.name, tls.caSecret.key ?? 'ca.crt'),
            cert: tls.clientSecret && value(tls.clientSecret.name, tls.clientSecret.certKey ?? 'tls.crt'),
            key: tls.clientSecret && value(tls.clientSecret.name, tls.clientSecret.keyKey ?? 'tls.key'),
            handshakeFirst: tls.handshakeFirst,
            rejectUnauthorized: tls.insecureSkipVerify === true ? false : undefined,
          },
        }),
    login: credentials && loginOf(credentials, value),
  };
}

function loginOf(
  { creds, nkey, token, userPassword }: NonNullable<ConnectionSpec['credentials']>,
  value: (name: string, key: string) => string,
): Login | undefined {
  if (creds) return { kind: 'creds', creds: value(creds.name, creds.key ?? 'nats.creds') };
  if (nkey) return { kind: 'nkey', seed: value(nkey.name, nkey.key ?? 'nkey.seed') };
  if (token) return { kind: 'token', token: value(token.name, token.key ?? 'token') };
  if (!userPassword) return undefined;
  return {
    kind: 'password',
    user: value(userPassword.name, userPassword.userKey ?? 'username'),
    password: value(userPassword.name, userPassword.passwordKey ?? 'password'),
  };
}

async function readSecret(
  client: KubernetesClient,
  namespace: string,
  name: string,
): Promise<Readonly<Record<string, string>>> {
  try {
    const secret = await client.get(SECRET, { namespace, name });
    if (!secret) throw new ConnectionFault('SecretMissing', `there is no Secret ${namespace}/${name}`);
    return (secret.data ?? {}) as Readonly<Record<string, string>>;
  } catch (error) {
    if (!isForbidden(error)) throw error;
    const message = `the controller may not read the Secret ${namespace}/${name}; add it to the names that its chart allows`;
    throw new ConnectionFault('SecretForbidden', message);
  }
}
