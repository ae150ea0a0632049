import { EventEmitter } from 'node:events';
import { ServerWritableStream, status } from '@grpc/grpc-js';
import { trailerOf } from '@headwater/eventstore-api';
import { CallGone, faultFrom } from './fault';

/** What every handler needs beside the store. */
export interface CallContext {
  /** Aborted when the server is to stop: streams end then. */
  closing: AbortSignal;
  /** Told of errors that are none of the caller's. */
  onError: (path: string, error: unknown) => void;
}

/** A call's error with the details in its trailers, as grpc-js takes it. */
export function callError(context: CallContext, path: string, error: unknown): Error & { code: status } {
  const fault = faultFrom(error);
  if (fault.code === status.INTERNAL) context.onError(path, error);
  return Object.assign(new Error(fault.message), trailerOf(fault));
}

type Cancellable = EventEmitter & { cancelled: boolean };

/** Aborted when the caller cancels or its deadline passes; with `closing` also when the server is to stop. */
export function signalOf(call: Cancellable, closing?: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const abort = (): void => gone.abort(new CallGone('the call was cancelled or its deadline has passed'));
  if (call.cancelled) abort();
  else call.once('cancelled', abort);
  return closing ? AbortSignal.any([gone.signal, closing]) : gone.signal;
}

/**
 * Writes a source to a server stream no faster than the caller reads: a refused write waits for `drain`, and the source
 * is not asked meanwhile.
 */
export async function writeAll<Request, Response>(
  context: CallContext,
  call: ServerWritableStream<Request, Response>,
  source: AsyncIterable<Response>,
): Promise<void> {
  try {
    for await (const message of source) {
      if (call.cancelled) return;
      if (!call.write(message)) await drained(call);
    }
    call.end();
  } catch (error) {
    if (!call.cancelled) call.emit('error', callError(context, call.getPath(), error));
  }
}

/** Resolves when the stream takes more, and when nobody reads it any more. */
function drained(call: EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'cancelled', 'close']) call.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'cancelled', 'close']) call.on(event, done);
  });
}
