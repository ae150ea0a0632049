import { createHash } from 'node:crypto';
import {
  type ConnectionOptions,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';

/** Everything that a connection is made with; texts, so that two of them can be compared. */
export interface NatsParts {
  readonly servers: readonly string[];
  /** JetStream domain, when it is not the server's own. */
  readonly domain?: string | undefined;
  /** Prefix of the subjects that answers come to, where permissions give every user one of its own. */
  readonly inboxPrefix?: string | undefined;
  /** PEM texts and how they are used. */
  readonly tls?:
    | {
        readonly ca?: string | undefined;
        readonly cert?: string | undefined;
        readonly key?: string | undefined;
        readonly handshakeFirst?: boolean | undefined;
        /** False accepts any certificate. */
        readonly rejectUnauthorized?: boolean | undefined;
      }
    | undefined;
  readonly login?: Login | undefined;
}

export type Login =
  | { readonly kind: 'creds'; readonly creds: string }
  | { readonly kind: 'nkey'; readonly seed: string }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'password'; readonly user: string; readonly password: string };

/** What a link is made with. The fingerprints tell whether settings are the same, and hold no secret. */
export interface NatsSettings {
  readonly options: ConnectionOptions;
  readonly domain: string | undefined;
  readonly fingerprint: string;
  /** The same without what may be rotated: credentials and certificates. */
  readonly serversFingerprint: string;
}

/** The settings for these parts. */
export function natsSettings(parts: NatsParts): NatsSettings {
  const { servers, domain, inboxPrefix, tls, login } = parts;
  return {
    options: {
      servers: [...servers],
      ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
      ...(tls === undefined ? {} : { tls: defined(tls) }),
      ...(login === undefined ? {} : { authenticator: authenticatorOf(login) }),
    },
    domain,
    fingerprint: hashOf(parts),
    serversFingerprint: hashOf({ servers, domain }),
  };
}

function authenticatorOf(login: Login) {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  switch (login.kind) {
    case 'creds':
      return credsAuthenticator(bytes(login.creds));
    case 'nkey':
      return nkeyAuthenticator(bytes(login.seed.trim()));
    case 'token':
      return tokenAuthenticator(login.token);
    case 'password':
      return usernamePasswordAuthenticator(login.user, login.password);
  }
}

/** TLS options without those that are not given, which the client would take for empty files. */
const defined = (tls: NonNullable<NatsParts['tls']>): NonNullable<ConnectionOptions['tls']> =>
  Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');
