import { DEFAULT_CURRENCY } from '@headwater/contracts';
import { eventStoreConfig, natsConfig, readConfig } from '@headwater/platform';
import { z } from 'zod';

/** Every variable of this process; the comments are its reference page. */
export const schema = z.object({
  ...natsConfig,
  ...eventStoreConfig,
  /** Highest amount that is approved, in whole units of the order's currency. */
  HEADWATER_REVIEW_APPROVE_UP_TO: z
    .string()
    .regex(/^\d{1,13}$/, 'must be a whole number')
    .default('10000')
    .transform((text) => BigInt(text)),
  /** Customers whose orders are rejected, separated by commas; `vip-*` stands for every id that begins so. */
  HEADWATER_REVIEW_REJECTED_CUSTOMERS: z
    .string()
    .default('rejected-*')
    .transform((list) =>
      list
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== ''),
    ),
  /** Reviews under way at once. */
  HEADWATER_CONCURRENCY: z.coerce.number().int().min(1).max(1_000).default(128),
  /** Currency of events written before events named one. */
  HEADWATER_DEFAULT_CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be three capital letters')
    .default(DEFAULT_CURRENCY),
});

export type ReviewConfig = z.infer<typeof schema>;

export const readReviewConfig = (env?: Record<string, string | undefined>): ReviewConfig =>
  readConfig(schema, env);
