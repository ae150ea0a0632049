import { z } from 'zod';
import { DEFAULT_CURRENCY } from '@headwater/contracts';
import { databaseUrl, eventStoreConfig, portNumber, readConfig, tlsConfig } from '@headwater/platform';

/** Every variable of this process; the comments are its reference page. */
export const schema = z.object({
  ...eventStoreConfig,
  /** Address to listen on. */
  HEADWATER_HTTP_HOST: z.string().default('0.0.0.0'),
  /** Port of the HTTP API. */
  HEADWATER_HTTP_PORT: portNumber.default(3000),
  ...tlsConfig,
  /** The order read model, with a user that may only read. */
  HEADWATER_DATABASE_URL: databaseUrl,
  /** Currency of orders that name none. */
  HEADWATER_DEFAULT_CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be three capital letters')
    .default(DEFAULT_CURRENCY),
});

export type OrderConfig = z.infer<typeof schema>;

export const readOrderConfig = (env?: Record<string, string | undefined>): OrderConfig =>
  readConfig(schema, env);
