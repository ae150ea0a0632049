import { hash } from 'node:crypto';

/**
 * What makes an event this event: SHA-256, hex, over log, type, aggregate and data. Never over the metadata (a retry
 * has another trace context) nor the expected version. NUL separates the parts, as no id may hold one.
 */
export function digestOf(
  log: string,
  eventType: string,
  aggregateId: string,
  aggregateType: string,
  data: string,
): string {
  return hash('sha256', `${log}\0${eventType}\0${aggregateId}\0${aggregateType}\0${data}`, 'hex');
}
