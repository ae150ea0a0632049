import { handleUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import {
  AppendRequest,
  EventStore,
  InvalidRequest,
  Overloaded,
  StoredEvent,
  StoreUnavailable,
} from '@headwater/eventstore';
import {
  CreateEventRequest,
  CreateEventResponse,
  Event,
  GetEventsRequest,
  GetEventsResponse,
} from '@headwater/eventstore-api';
import { CallContext, callError, signalOf, writeAll } from './calls';
import { CallGone, faultFrom } from './fault';

/** Stores one event without an expectation. A refusal is an answer here, not an error: so the sample's clients read it. */
export const createEvent =
  (store: EventStore, context: CallContext): handleUnaryCall<CreateEventRequest, CreateEventResponse> =>
  (call, callback) => {
    const create = async (): Promise<void> => {
      await store.append(appendOf(call.request.event), signalOf(call));
    };
    create().then(
      () => callback(null, { isSuccess: true, error: '' }),
      (error: unknown) => {
        const fault = faultFrom(error);
        if (fault.reason === undefined || passes(error))
          return callback(callError(context, call.getPath(), error));
        callback(null, { isSuccess: false, error: refusal(error, fault.message) });
      },
    );
  };

/** Trouble that passes is no refusal of this event. */
const passes = (error: unknown): boolean =>
  error instanceof StoreUnavailable || error instanceof Overloaded || error instanceof CallGone;

function appendOf(event: Event | undefined | null): AppendRequest {
  if (!event) throw new InvalidRequest('event', 'is missing');
  if (event.stream === '') throw new InvalidRequest('event.stream', 'must name a log');
  const { eventId, eventType, eventData: data, aggregateId, aggregateType } = event;
  const events = [{ eventId, eventType, data, metadata: '' }];
  return { log: event.stream, aggregates: [{ aggregateId, aggregateType, expected: 'any', events }] };
}

/** The store's field names as this service has them. */
function refusal(error: unknown, message: string): string {
  if (!(error instanceof InvalidRequest)) return message;
  const field = error.field
    .replace(/^aggregates\[0\](\.events\[0\])?/, 'event')
    .replace(/\.data$/, '.event_data');
  return `${field} ${error.fault}`;
}

export const getEvents =
  (store: EventStore, context: CallContext): handleUnaryCall<GetEventsRequest, GetEventsResponse> =>
  (call, callback) => {
    const collect = async (): Promise<Event[]> => {
      const events: Event[] = [];
      for await (const event of find(store, call.request)) events.push(event);
      return events;
    };
    collect().then(
      (events) => callback(null, { events }),
      (error: unknown) => callback(callError(context, call.getPath(), error)),
    );
  };

export const getEventsStream =
  (store: EventStore, context: CallContext) =>
  (call: ServerWritableStream<GetEventsRequest, Event>): void => {
    void writeAll(context, call, find(store, call.request));
  };

/** The event of an id; else an aggregate's history, log by log, as an aggregate id may be in several. */
async function* find(store: EventStore, { eventId, aggregateId }: GetEventsRequest): AsyncGenerator<Event> {
  if (eventId !== '') {
    const event = await store.readEvent(eventId);
    if (event && (aggregateId === '' || aggregateId === event.aggregateId)) yield sampleEvent(event);
    return;
  }
  if (aggregateId === '') throw new InvalidRequest('aggregate_id', 'or event_id must be given');
  for (const log of store.logs) {
    for await (const page of store.readAggregate(log, aggregateId))
      for (const event of page) yield sampleEvent(event);
  }
}

const sampleEvent = (event: StoredEvent): Event => ({
  eventId: event.eventId,
  eventType: event.eventType,
  aggregateId: event.aggregateId,
  aggregateType: event.aggregateType,
  eventData: event.data,
  stream: event.log,
});
