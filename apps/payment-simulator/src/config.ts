import { databaseUrl, portNumber, readConfig } from '@headwater/platform';
import { z } from 'zod';
import { FaultSettings, NO_FAULTS } from './faults';

const rate = z.coerce.number().min(0).max(1).default(0);

/** Every variable of this process; the comments are its reference page. */
export const schema = z.object({
  /** Address to listen on. */
  HEADWATER_HTTP_HOST: z.string().default('0.0.0.0'),
  /** Port of the HTTP API. */
  HEADWATER_HTTP_PORT: portNumber.default(3100),
  /** The ledger, with the user that owns it. */
  HEADWATER_DATABASE_URL: databaseUrl,
  // The faults to start with; `PUT /faults` changes them.
  /** Customers whose payments are declined: those whose id begins so; none when empty. */
  HEADWATER_DECLINE_CUSTOMERS_PREFIX: z.string().max(128).default(NO_FAULTS.decline_customers_prefix),
  /** Payments above this many minor units are declined. */
  HEADWATER_DECLINE_ABOVE: z
    .string()
    .regex(/^\d{1,16}$/, 'must be minor units')
    .optional(),
  /** Milliseconds before every answer. */
  HEADWATER_LATENCY_MS: z.coerce.number().int().min(0).max(60_000).default(0),
  /** Share of requests that are answered with an error. */
  HEADWATER_ERROR_RATE: rate,
  /** Share of requests that are never answered. */
  HEADWATER_TIMEOUT_RATE: rate,
  /** Seed of the draws, so that a run can be repeated. */
  HEADWATER_FAULT_SEED: z.coerce.number().int().min(0).default(NO_FAULTS.seed),
});

export type SimulatorConfig = z.infer<typeof schema>;

export const readSimulatorConfig = (env?: Record<string, string | undefined>): SimulatorConfig =>
  readConfig(schema, env);

export const faultsOf = (config: SimulatorConfig): FaultSettings => ({
  decline_customers_prefix: config.HEADWATER_DECLINE_CUSTOMERS_PREFIX,
  decline_above: config.HEADWATER_DECLINE_ABOVE ?? null,
  latency_ms: config.HEADWATER_LATENCY_MS,
  error_rate: config.HEADWATER_ERROR_RATE,
  timeout_rate: config.HEADWATER_TIMEOUT_RATE,
  seed: config.HEADWATER_FAULT_SEED,
});
