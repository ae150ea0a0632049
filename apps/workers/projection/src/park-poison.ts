import { CONSUMERS, LOGS } from '@headwater/contracts';
import { DeadLetterSink } from '@headwater/nest-jetstream';
import { ParkRequest } from '@headwater/order-read-model';
import { PoisonEvent } from './project';

/**
 * Records an event that a person has left out of the read model as the projection's dead letter. Every version that leaves
 * it out records the same one.
 *
 * @param firstFailure RFC 3339
 */
export async function parkPoison(
  deadLetters: DeadLetterSink,
  poison: PoisonEvent,
  request: ParkRequest,
  firstFailure: string,
): Promise<void> {
  const { event } = poison;
  await deadLetters.park({
    stream: LOGS.orders,
    consumer: CONSUMERS.projection,
    sequence: event.position,
    redrive: 0,
    event: {
      log: event.log,
      position: event.position,
      event_id: event.eventId,
      event_type: event.eventType,
      aggregate_id: event.aggregateId,
    },
    error: { name: poison.name, message: `${poison.message} (parked by ${request.by}: ${request.reason})` },
    reason: 'operator',
    attempts: 1,
    first_failure: firstFailure,
    last_failure: new Date().toISOString(),
  });
}
