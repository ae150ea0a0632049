import { z } from 'zod';
import { parseDuration } from './duration';

/** Key of the metadata that says whose a stream or consumer is. */
export const OWNER_KEY = 'headwater.dev/owner';

/** A duration in Go's syntax; at least `atLeastMs` milliseconds when it is not 0. */
export const duration = (atLeastMs = 0) =>
  z.string().superRefine((text, context) => {
    try {
      const nanoseconds = parseDuration(text);
      if (nanoseconds > 0 && nanoseconds < atLeastMs * 1e6)
        context.addIssue({ code: 'custom', message: `must be at least ${atLeastMs}ms` });
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
    }
  });

/** Name of a stream or consumer. */
export const assetName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\s.*>\\/]+$/, String.raw`must not contain spaces or any of . * > \ /`);

/** A subject, wildcards allowed. */
export const subject = z
  .string()
  .regex(/^(?:[^\s.*>]+|\*)(?:\.(?:[^\s.*>]+|\*))*(?:\.>)?$|^>$/, 'must be a subject such as ORDERS.>');

export const count = z.number().int().min(-1);
export const replicas = z.number().int().min(1).max(5);

/** Free key-value pairs; the server's own keys and ours are not to be had. */
export const metadata = z.record(z.string().min(1), z.string()).superRefine((pairs, context) => {
  for (const key of Object.keys(pairs)) {
    if (key.startsWith('_nats') || key === OWNER_KEY)
      context.addIssue({ code: 'custom', message: `the key ${key} is reserved`, path: [key] });
  }
});
