import { DEFAULT_CURRENCY } from '@headwater/contracts';
import { CoordinatorPolicy } from '@headwater/order-domain';
import { databaseUrl, eventStoreConfig, natsConfig, readConfig } from '@headwater/platform';
import { z } from 'zod';

const seconds = z.coerce.number().min(0.01).max(31_536_000);

/** Every variable of this process; the comments are its reference page. */
export const schema = z.object({
  ...natsConfig,
  ...eventStoreConfig,
  /** The coordinator's deadlines, with the user that owns them. */
  HEADWATER_DATABASE_URL: databaseUrl,
  /** From an order to a payment result; then the payment is voided. */
  HEADWATER_DEADLINE_PAYMENT_SECONDS: seconds.default(300),
  /** From a payment to its review; then it is voided. */
  HEADWATER_DEADLINE_REVIEW_SECONDS: seconds.default(300),
  /** From a first void request to its confirmation; then it is requested again, after twice the time each time. */
  HEADWATER_DEADLINE_VOID_SECONDS: seconds.default(30),
  /** Longest time between two void requests. */
  HEADWATER_DEADLINE_VOID_MOST_SECONDS: seconds.default(3_600),
  /** Void requests after which a person is called. */
  HEADWATER_VOID_ATTEMPTS: z.coerce.number().int().min(1).max(1_000).default(10),
  /** Currency of events written before events named one. */
  HEADWATER_DEFAULT_CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be three capital letters')
    .default(DEFAULT_CURRENCY),
});

export type CoordinatorConfig = z.infer<typeof schema>;

export const readCoordinatorConfig = (env?: Record<string, string | undefined>): CoordinatorConfig =>
  readConfig(schema, env);

export const policyOf = (config: CoordinatorConfig): CoordinatorPolicy => ({
  paymentMs: config.HEADWATER_DEADLINE_PAYMENT_SECONDS * 1000,
  reviewMs: config.HEADWATER_DEADLINE_REVIEW_SECONDS * 1000,
  voidMs: config.HEADWATER_DEADLINE_VOID_SECONDS * 1000,
  voidMostMs: config.HEADWATER_DEADLINE_VOID_MOST_SECONDS * 1000,
  voidAttempts: config.HEADWATER_VOID_ATTEMPTS,
});
