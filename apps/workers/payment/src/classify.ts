import { MoneyError, UndecodableEvent } from '@headwater/contracts';
import { adviceOn } from '@headwater/eventstore-client';
import { Verdict } from '@headwater/nest-jetstream';
import { ImpossibleHistory } from '@headwater/order-domain';

/** What this worker's errors mean for the event that was being handled. */
export function classify(error: unknown): Verdict | undefined {
  if (
    error instanceof UndecodableEvent ||
    error instanceof ImpossibleHistory ||
    error instanceof MoneyError
  ) {
    return { kind: 'terminal' };
  }
  switch (adviceOn(error)) {
    case 'wait':
      return {
        kind: 'unavailable',
        dependency: 'event store',
        reason: error instanceof Error ? error.message : String(error),
      };
    case 'give-up':
      return { kind: 'terminal' };
    case undefined:
      return undefined;
  }
}
