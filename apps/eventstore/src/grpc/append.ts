import { handleUnaryCall, Metadata, ServerDuplexStream } from '@grpc/grpc-js';
import { AppendResult } from '@headwater/contracts';
import { EventStore } from '@headwater/eventstore';
import {
  AppendOutcome,
  AppendRequest,
  AppendResponse,
  AppendStreamRequest,
  AppendStreamResponse,
  statusOf,
} from '@headwater/eventstore-api';
import { CallContext, callError, signalOf } from './calls';
import { faultFrom } from './fault';
import { appendOf } from './from-wire';

const responseOf = ({ events, repeated }: AppendResult): AppendResponse => ({
  events,
  repeatedAppend: repeated,
});

export const append =
  (store: EventStore, context: CallContext): handleUnaryCall<AppendRequest, AppendResponse> =>
  (call, callback) => {
    appendOne(store, call.request, signalOf(call)).then(
      (result) => callback(null, responseOf(result)),
      (error: unknown) => callback(callError(context, call.getPath(), error)),
    );
  };

/** Also what is wrong with the request's form is a rejection. */
async function appendOne(
  store: EventStore,
  request: AppendRequest,
  signal: AbortSignal,
): Promise<AppendResult> {
  return store.append(appendOf(request), signal);
}

/** Messages of one stream that may wait for their answers; then its reading pauses, and flow control the sender. */
const MESSAGES_UNDER_WAY = 16;

/**
 * Many appends in flight on one stream. All of one message are handed to the group commit at once; messages are answered
 * in the order they came.
 */
export const appendStream =
  (store: EventStore, context: CallContext) =>
  (call: ServerDuplexStream<AppendStreamRequest, AppendStreamResponse>): void => {
    const signal = signalOf(call);
    const path = call.getPath();
    let underWay = 0;
    let answers = Promise.resolve();
    let ended = false;

    const end = (): void => {
      if (ended) return;
      ended = true;
      call.pause();
      void answers.then(() => call.end());
    };
    const outcomeOf = (request: AppendRequest): Promise<AppendOutcome> =>
      appendOne(store, request, signal).then(
        (result) => ({ appended: responseOf(result) }),
        (error: unknown) => {
          const fault = faultFrom(error);
          if (fault.reason === undefined && !signal.aborted) context.onError(path, error);
          return { refused: statusOf(fault) };
        },
      );

    // At once, so that a caller knows that it is connected before it appends anything.
    call.sendMetadata(new Metadata());
    call.on('data', ({ appends }: AppendStreamRequest) => {
      if (++underWay >= MESSAGES_UNDER_WAY) call.pause();
      const outcomes = Promise.all(appends.map(outcomeOf));
      answers = answers.then(async () => {
        const response = { outcomes: await outcomes };
        underWay--;
        if (call.cancelled) return;
        call.write(response);
        if (!ended && underWay < MESSAGES_UNDER_WAY) call.resume();
      });
    });
    call.on('end', end);
    call.on('error', () => undefined);
    context.closing.addEventListener('abort', end, { once: true, signal });
    if (context.closing.aborted) end();
  };
