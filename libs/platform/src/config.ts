import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Every fault of a process's environment at once; the message has a line for each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly faults: string[]) {
    super(
      `the configuration has ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}:\n  ${faults.join('\n  ')}`,
    );
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a process's configuration, once.
 *
 * @param schema an object whose keys are environment variables. Where `NAME` is absent and `NAME_FILE` is set, the value is
 *   that file's text without the last line break, so that secrets need not stand in the environment.
 * @throws ConfigError listing every fault; values are never part of it
 */
export function readConfig<Schema extends z.ZodObject>(
  schema: Schema,
  env: Environment = process.env,
): z.infer<Schema> {
  const faults: string[] = [];
  const values: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const file = env[`${name}_FILE`];
    const value = env[name];
    if (value !== undefined && value !== '') values[name] = value;
    else if (file) {
      try {
        values[name] = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
      } catch (error) {
        faults.push(
          `${name}_FILE: ${file} can't be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
        );
      }
    }
  }
  const result = schema.safeParse(values);
  if (result.success && faults.length === 0) return result.data;
  for (const issue of result.error?.issues ?? []) {
    const name = issue.path.map(String).join('.');
    if (env[`${name}_FILE`] && values[name] === undefined) continue;
    faults.push(
      values[name] === undefined ? `${name}: is missing (${issue.message})` : `${name}: ${issue.message}`,
    );
  }
  throw new ConfigError(faults);
}

const port = z.coerce.number().int().min(0).max(65535);

/** Parts of configuration that several apps share, to be spread into their schemas. */
export const opsConfig = {
  /** Port of `/livez`, `/readyz` and `/metrics`. */
  HEADWATER_OPS_PORT: port.default(9090),
  /** Address of the same. */
  HEADWATER_OPS_HOST: z.string().default('0.0.0.0'),
  /** Least severe lines of the log. */
  HEADWATER_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
  /** Seconds that a process has to end in order after SIGTERM. */
  HEADWATER_SHUTDOWN_SECONDS: z.coerce.number().positive().default(20),
};

export const natsConfig = {
  /** NATS servers, separated by commas. */
  HEADWATER_NATS_URL: z
    .string()
    .default('nats://127.0.0.1:4222')
    .refine((list) => list.split(',').every((url) => /^(nats|tls):\/\/[^\s/@]+$/.test(url.trim())), {
      message:
        'must be nats://host:port or tls://host:port, several separated by commas, without credentials',
    }),
  /** User, and with it the prefix of its inboxes: `_INBOX_<user>`. */
  HEADWATER_NATS_USER: z.string().optional(),
  /** Password of that user. */
  HEADWATER_NATS_PASSWORD: z.string().optional(),
  /** File of the certificate authority that signed the server's certificate. */
  HEADWATER_NATS_CA_FILE: z.string().optional(),
};

export const eventStoreConfig = {
  /** `host:port`, or any address that gRPC resolves, such as `dns:///eventstore:50051`. */
  HEADWATER_EVENTSTORE_ADDRESS: z.string().default('127.0.0.1:50051'),
  /** Certificate authority of its servers (PEM; as a rule `HEADWATER_EVENTSTORE_CA_FILE`). Without it nothing is encrypted. */
  HEADWATER_EVENTSTORE_CA: z.string().optional(),
};

/** For processes whose main door can be opened with TLS. */
export const tlsConfig = {
  /** Certificate of this process with its chain (PEM; as a rule `HEADWATER_TLS_CERT_FILE`). Without it nothing is encrypted. */
  HEADWATER_TLS_CERT: z.string().optional(),
  /** Its private key (PEM; as a rule `HEADWATER_TLS_KEY_FILE`). */
  HEADWATER_TLS_KEY: z.string().optional(),
};

/** What a server shows to its clients, both as PEM. */
export interface ServerCertificate {
  cert: string;
  key: string;
}

/** @throws ConfigError when only one of the two is there */
export function serverCertificate(config: {
  HEADWATER_TLS_CERT?: string | undefined;
  HEADWATER_TLS_KEY?: string | undefined;
}): ServerCertificate | undefined {
  const { HEADWATER_TLS_CERT: cert, HEADWATER_TLS_KEY: key } = config;
  if (cert !== undefined && key !== undefined) return { cert, key };
  if (cert === undefined && key === undefined) return undefined;
  const missing = cert === undefined ? 'HEADWATER_TLS_CERT' : 'HEADWATER_TLS_KEY';
  throw new ConfigError([`${missing}: is missing (a certificate and its key go together)`]);
}

export const databaseUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, 'must be a postgres:// or postgresql:// address');

/** The address of the one database that an entry point beside the app itself, such as `migrate`, works on. */
export const readDatabaseUrl = (): string =>
  readConfig(z.object({ HEADWATER_DATABASE_URL: databaseUrl })).HEADWATER_DATABASE_URL;

export const portNumber = port;
