export {
  EVENTSTORE_PACKAGES,
  eventStoreV1,
  type EventStoreV1,
  sampleEventStore,
  type SampleEventStore,
  SERVICE_NAMES,
} from './definitions';
export { faultOf, faultOfCall, statusOf, type StoreFault, trailerOf } from './fault';
export {
  type CreateEventRequest,
  type CreateEventResponse,
  type Event,
  type GetEventsRequest,
  type GetEventsResponse,
} from './generated/eventstore.pb';
export {
  type AggregateAppend,
  type AppendedEvent,
  type AppendOutcome,
  type AppendRequest,
  type AppendResponse,
  type AppendStreamRequest,
  type AppendStreamResponse,
  type ExpectedVersion,
  ExpectedVersion_Kind,
  type GetLogRequest,
  type GetLogResponse,
  type NewEvent,
  type ReadAggregateRequest,
  type ReadAggregateResponse,
  type ReadLogRequest,
  type ReadLogResponse,
  type RecordedEvent,
} from './generated/headwater/eventstore/v1/eventstore.pb';
export { type Status } from './generated/google/rpc/status.pb';
