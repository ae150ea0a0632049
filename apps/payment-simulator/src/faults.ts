import { z } from 'zod';
import { DebitRequest, Decline } from './payment';

const rate = z.number().min(0).max(1);

/** How the provider misbehaves. Changeable while it runs. */
export const faultsSchema = z.strictObject({
  /** Debits of customers whose id starts so are declined; '' declines nobody. */
  decline_customers_prefix: z.string().max(128),
  /** Debits above this many minor units are declined; null: none. */
  decline_above: z
    .string()
    .regex(/^\d{1,16}$/, 'must be minor units, as a string of digits')
    .nullable(),
  /** Every answer waits so long. */
  latency_ms: z.number().int().min(0).max(60_000),
  /** Share of requests that are answered 503 and not executed. */
  error_rate: rate,
  /** Share of requests that are executed and not answered. */
  timeout_rate: rate,
  /** Starts the random numbers anew, so that a run can be repeated. */
  seed: z.number().int().min(0),
});

export type FaultSettings = z.infer<typeof faultsSchema>;

export const NO_FAULTS: FaultSettings = {
  decline_customers_prefix: 'declined-',
  decline_above: null,
  latency_ms: 0,
  error_rate: 0,
  timeout_rate: 0,
  seed: 1,
};

/** What happens to one request. */
export type Mishap = 'error' | 'timeout' | undefined;

/** The faults in force and their random numbers. */
export class Faults {
  private random: () => number;

  constructor(private current: FaultSettings) {
    this.random = mulberry32(current.seed);
  }

  get settings(): FaultSettings {
    return this.current;
  }

  replace(settings: FaultSettings): void {
    this.current = settings;
    this.random = mulberry32(settings.seed);
  }

  next(): Mishap {
    const { error_rate, timeout_rate } = this.current;
    if (error_rate === 0 && timeout_rate === 0) return undefined;
    const drawn = this.random();
    if (drawn < error_rate) return 'error';
    return drawn < error_rate + timeout_rate ? 'timeout' : undefined;
  }

  /** Why a debit is declined, if it is. Depends on nothing but the request, so a run can be predicted. */
  readonly declines = (request: DebitRequest): Decline | undefined => {
    const { decline_customers_prefix: prefix, decline_above: limit } = this.current;
    if (prefix !== '' && request.customerId.startsWith(prefix)) {
      return { code: 'customer_declined', message: 'the customer is on the list of declined customers' };
    }
    if (limit !== null && request.amount > BigInt(limit)) {
      return { code: 'amount_declined', message: `the amount is above ${limit} minor units` };
    }
    return undefined;
  };
}

/** Small seeded generator of numbers in [0, 1). Source: T. Ettinger, mulberry32, public domain. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
