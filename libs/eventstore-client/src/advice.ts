import {
  EventIdClash,
  EventStoreUnavailable,
  InvalidAppend,
  LogRefused,
  Overloaded,
  UnknownLog,
} from './errors';

/**
 * What a caller can do about an error of the event store. `wait`: the store can't serve now, which says nothing about the
 * request. `give-up`: the same request will never be taken. Undefined: neither is known, or it is no error of the store.
 */
export function adviceOn(error: unknown): 'wait' | 'give-up' | undefined {
  // A refused log is repaired, and an unknown one declared, by an operator; until then every append fails alike.
  if (error instanceof EventStoreUnavailable || error instanceof Overloaded) return 'wait';
  if (error instanceof LogRefused || error instanceof UnknownLog) return 'wait';
  if (error instanceof InvalidAppend || error instanceof EventIdClash) return 'give-up';
  return undefined;
}
