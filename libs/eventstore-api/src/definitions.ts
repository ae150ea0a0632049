import { join } from 'node:path';
import { MethodDefinition } from '@grpc/grpc-js';
import { loadSync, MessageTypeDefinition, PackageDefinition } from '@grpc/proto-loader';
import type {
  CreateEventRequest,
  CreateEventResponse,
  Event,
  GetEventsRequest,
  GetEventsResponse,
} from './generated/eventstore.pb';
import type { BadRequest, ErrorInfo, RetryInfo } from './generated/google/rpc/error_details.pb';
import type { Status } from './generated/google/rpc/status.pb';
import type {
  AppendRequest,
  AppendResponse,
  AppendStreamRequest,
  AppendStreamResponse,
  GetLogRequest,
  GetLogResponse,
  ReadAggregateRequest,
  ReadAggregateResponse,
  ReadLogRequest,
  ReadLogResponse,
} from './generated/headwater/eventstore/v1/eventstore.pb';

/** The repository's `proto/`: as far from `src` as from `dist`. */
const PROTO_DIR = join(__dirname, '../../../proto');

const packages: PackageDefinition = loadSync(
  [
    'eventstore.proto',
    'headwater/eventstore/v1/eventstore.proto',
    'google/rpc/status.proto',
    'google/rpc/error_details.proto',
  ],
  { includeDirs: [PROTO_DIR], longs: Number, enums: String, defaults: true, oneofs: true },
);

/** Everything, for reflection. */
export const EVENTSTORE_PACKAGES = packages;

export const SERVICE_NAMES = {
  sample: 'eventstore.EventStore',
  v1: 'headwater.eventstore.v1.EventStore',
} as const;

/** `headwater.eventstore.v1.EventStore`, by method name. */
export interface EventStoreV1 {
  Append: MethodDefinition<AppendRequest, AppendResponse>;
  AppendStream: MethodDefinition<AppendStreamRequest, AppendStreamResponse>;
  ReadAggregate: MethodDefinition<ReadAggregateRequest, ReadAggregateResponse>;
  ReadLog: MethodDefinition<ReadLogRequest, ReadLogResponse>;
  GetLog: MethodDefinition<GetLogRequest, GetLogResponse>;
}

/** `eventstore.EventStore`, the sample's service, by method name. */
export interface SampleEventStore {
  CreateEvent: MethodDefinition<CreateEventRequest, CreateEventResponse>;
  GetEvents: MethodDefinition<GetEventsRequest, GetEventsResponse>;
  GetEventsStream: MethodDefinition<GetEventsRequest, Event>;
}

/** Types of what proto-loader finds by name; the generated types come from the same files. */
function definition<T>(name: string): T {
  const found = packages[name];
  if (!found) throw new Error(`proto/ has no ${name}`);
  return found as T;
}

export const eventStoreV1 = definition<EventStoreV1>(SERVICE_NAMES.v1);
export const sampleEventStore = definition<SampleEventStore>(SERVICE_NAMES.sample);

type Message<T> = Pick<MessageTypeDefinition<T, T>, 'serialize' | 'deserialize'>;

export const messages = {
  status: definition<Message<Status>>('google.rpc.Status'),
  errorInfo: definition<Message<ErrorInfo>>('google.rpc.ErrorInfo'),
  badRequest: definition<Message<BadRequest>>('google.rpc.BadRequest'),
  retryInfo: definition<Message<RetryInfo>>('google.rpc.RetryInfo'),
} as const;
