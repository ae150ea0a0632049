import { handleUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import { EventStore } from '@headwater/eventstore';
import {
  GetLogRequest,
  GetLogResponse,
  ReadAggregateRequest,
  ReadAggregateResponse,
  ReadLogRequest,
  ReadLogResponse,
} from '@headwater/eventstore-api';
import { CallContext, callError, signalOf, writeAll } from './calls';
import { wireEvent } from './from-wire';

export const readAggregate =
  (store: EventStore, context: CallContext) =>
  (call: ServerWritableStream<ReadAggregateRequest, ReadAggregateResponse>): void => {
    const { log, aggregateId, fromVersion, backwards, limit } = call.request;
    const history = async function* (): AsyncGenerator<ReadAggregateResponse> {
      for await (const events of store.readAggregate(log, aggregateId, { fromVersion, backwards, limit }))
        yield { events: events.map(wireEvent) };
    };
    void writeAll(context, call, history());
  };

export const readLog =
  (store: EventStore, context: CallContext, heartbeatMs: number) =>
  (call: ServerWritableStream<ReadLogRequest, ReadLogResponse>): void => {
    const { log, afterPosition, eventTypes, limit, follow } = call.request;
    const signal = signalOf(call, context.closing);
    const pages = async function* (): AsyncGenerator<ReadLogResponse> {
      const options = { log, after: afterPosition, eventTypes, limit, follow, signal, heartbeatMs };
      for await (const { events, position, caughtUp } of store.readLog(options))
        yield { events: events.map(wireEvent), position, caughtUp };
    };
    void writeAll(context, call, pages());
  };

export const getLog =
  (store: EventStore, context: CallContext): handleUnaryCall<GetLogRequest, GetLogResponse> =>
  (call, callback) => {
    store.getLog(call.request.log).then(
      (state) => callback(null, state),
      (error: unknown) => callback(callError(context, call.getPath(), error)),
    );
  };
