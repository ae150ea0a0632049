import { z } from 'zod';
import { DEFAULT_CURRENCY } from '@headwater/contracts';
import { databaseUrl, eventStoreConfig, natsConfig, readConfig } from '@headwater/platform';

/** Every variable of this process; the comments are its reference page. */
export const schema = z.object({
  ...natsConfig,
  ...eventStoreConfig,
  /** The order read model, with the user that owns its tables. */
  HEADWATER_DATABASE_URL: databaseUrl,
  /** Currency of events written before events named one. */
  HEADWATER_DEFAULT_CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be three capital letters')
    .default(DEFAULT_CURRENCY),
});

export type ProjectionConfig = z.infer<typeof schema>;

export const readProjectionConfig = (env?: Record<string, string | undefined>): ProjectionConfig =>
  readConfig(schema, env);
