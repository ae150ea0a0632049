import { LOGS, PARTITIONS } from '@headwater/contracts';
import { faultOfLogName } from '@headwater/eventstore';
import { databaseUrl, natsConfig, portNumber, readConfig, tlsConfig } from '@headwater/platform';
import { z } from 'zod';

/** A log and how its subjects are cut. */
export interface LogDeclaration {
  name: string;
  /** 0: bare event types, as the sample has them. */
  partitions: number;
}

/** `ORDERS,OTHERS:0`: a name, and after a colon the number of partitions, which is 64 or 0. */
const logs = z.string().transform((text, context): LogDeclaration[] => {
  const declared = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', partitions = String(PARTITIONS)] = part.split(':');
      const fault = faultOfLogName(name);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
      if (partitions !== '0' && partitions !== String(PARTITIONS)) {
        context.addIssue({
          code: 'custom',
          message: `${name} may have 0 or ${PARTITIONS} partitions, not ${partitions}`,
        });
      }
      return { name, partitions: Number(partitions) };
    });
  if (declared.length === 0) context.addIssue({ code: 'custom', message: 'must name at least one log' });
  const names = new Set(declared.map(({ name }) => name));
  if (names.size < declared.length) context.addIssue({ code: 'custom', message: 'names a log twice' });
  return declared;
});

/** Every variable of this process; the comments are its reference page. */
export const schema = z.object({
  /** The event store's database, with the user that owns its tables. */
  HEADWATER_DATABASE_URL: databaseUrl,
  /** Isolation of its transactions. The guarantees hold at each; CockroachDB's own default is serializable. */
  HEADWATER_DATABASE_ISOLATION: z
    .enum(['read committed', 'repeatable read', 'serializable'])
    .default('read committed'),
  /** Address to listen on. */
  HEADWATER_GRPC_HOST: z.string().min(1).default('0.0.0.0'),
  /** Port of both gRPC services. */
  HEADWATER_GRPC_PORT: portNumber.default(50051),
  ...tlsConfig,
  /** Logs to keep and to relay, separated by commas; `NAME:0` for one without partitions. */
  HEADWATER_LOGS: logs.prefault(`${LOGS.orders},${LOGS.deadLetters}`),
  ...natsConfig,
});

export type EventStoreConfig = z.infer<typeof schema>;

/** @throws ConfigError */
export const readEventStoreConfig = (env = process.env): EventStoreConfig => readConfig(schema, env);
