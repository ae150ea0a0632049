import { z } from 'zod';

/** What KEDA sends with every call: whose scaling it is, and the `metadata` of the trigger. */
export interface ScaledObjectRef {
  readonly name: string;
  readonly namespace: string;
  readonly scalerMetadata: Readonly<Record<string, string>>;
}

/** Messages that a consumer still owes: those not delivered, and those delivered and not acknowledged. */
export interface Lag {
  readonly pending: number;
  readonly ackPending: number;
}

/** Why there is no answer. KEDA keeps the scale, or takes the fallback of the ScaledObject; it must never be a number. */
export class LagUnknown extends Error {
  override readonly name = 'LagUnknown';
  constructor(
    readonly kind: 'invalid' | 'missing' | 'unavailable',
    message: string,
  ) {
    super(message);
  }
}

const count = z.coerce.number().min(0);
const trigger = z.object({
  /** Consumer resource in the namespace of the ScaledObject. */
  consumer: z.string({ error: 'names a Consumer resource and is missing' }).min(1),
  /** Messages that one replica is to have before it; the target of the HorizontalPodAutoscaler. */
  lagThreshold: count.refine((value) => value > 0, 'must be more than 0').default(100),
  /** Up to how many messages nothing needs to run. */
  activationLagThreshold: count.default(0),
});

/** One trigger, checked. */
export interface Trigger extends z.infer<typeof trigger> {
  readonly namespace: string;
}

/** @throws LagUnknown naming the field of the trigger's metadata that is wrong */
export function readTrigger({ name, namespace, scalerMetadata }: ScaledObjectRef): Trigger {
  const result = trigger.safeParse(scalerMetadata);
  if (result.success) return { ...result.data, namespace };
  const faults = result.error.issues.map(({ path, message }) => `${path.map(String).join('.')} ${message}`);
  throw new LagUnknown('invalid', `ScaledObject ${namespace}/${name}: metadata: ${faults.join('; ')}`);
}

/**
 * Name of the metric; KEDA prefixes it with the trigger's place. Two triggers on one consumer ask for the same thing, so
 * they may share it.
 */
export const metricNameOf = ({ consumer }: Trigger): string => `jetstream-lag-${consumer}`;

export const totalOf = ({ pending, ackPending }: Lag): number => pending + ackPending;

/** Whether there is work for at least one replica. */
export const isActive = (trigger: Trigger, lag: Lag): boolean =>
  totalOf(lag) > trigger.activationLagThreshold;
