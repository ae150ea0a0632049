import { DEFAULT_CURRENCY } from '@headwater/contracts';
import { eventStoreConfig, natsConfig, readConfig } from '@headwater/platform';
import { z } from 'zod';

/** Every variable of this process; the comments are its reference page. */
export const schema = z.object({
  ...natsConfig,
  ...eventStoreConfig,
  /** Base address of the payment provider. */
  HEADWATER_PAYMENT_URL: z
    .string()
    .regex(/^https?:\/\/[^/\s]+$/, 'must be http://host:port or https://host:port')
    .default('http://127.0.0.1:3100'),
  /** Longest wait for one answer of the provider. */
  HEADWATER_PAYMENT_TIMEOUT_MS: z.coerce.number().int().min(10).default(5_000),
  /** Payments under way at once, each with a connection of its own. */
  HEADWATER_CONCURRENCY: z.coerce.number().int().min(1).max(1_000).default(64),
  /** Currency of events written before events named one. */
  HEADWATER_DEFAULT_CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be three capital letters')
    .default(DEFAULT_CURRENCY),
});

export type PaymentConfig = z.infer<typeof schema>;

export const readPaymentConfig = (env?: Record<string, string | undefined>): PaymentConfig =>
  readConfig(schema, env);
