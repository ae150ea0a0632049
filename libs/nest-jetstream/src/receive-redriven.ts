import { DEAD_LETTER_EVENTS, LOGS, RecordedEvent } from '@headwater/contracts';
import { ConsumerSession } from './consumer-session';
import { DeadLetterLog } from './dead-letter';
import type { JetStreamStrategyOptions, RedriveOptions } from './jetstream-strategy';
import { HandleOriginal, Redrive } from './redrive';

/** What a session on DEADLETTERS takes over from its worker. */
export type RedrivenOptions = Omit<
  JetStreamStrategyOptions,
  'stream' | 'deadLetters' | 'readLog' | 'readiness' | 'redrive'
> & { redrive: RedriveOptions };

/** The session of a worker's consumer on DEADLETTERS. */
export function redrivenSession(options: RedrivenOptions, handle: HandleOriginal): ConsumerSession {
  const { redrive, ...rest } = options;
  const { store, isClash, readiness } = redrive;
  const deadLetters = new Redrive(options.consumer, store, new DeadLetterLog(store, isClash), handle);
  return new ConsumerSession(
    {
      ...rest,
      stream: LOGS.deadLetters,
      deadLetters,
      readLog: (log, from) => store.readLog(log, from),
      ...(readiness ? { readiness } : {}),
    },
    [DEAD_LETTER_EVENTS.redriven.type],
    (delivery, attempt, signal) => deadLetters.handle(delivery, attempt, signal),
  );
}

/**
 * Takes what persons send again to a worker that is no NestJS application.
 *
 * @param handle resolves once the effect is durable; what its errors mean is decided as in a handler
 * @returns ends in order
 */
export function receiveRedriven(
  options: RedrivenOptions,
  handle: (event: RecordedEvent, signal: AbortSignal) => Promise<void>,
): () => Promise<void> {
  const session = redrivenSession(options, async ({ content }, _attempt, signal) => {
    if ('malformed' in content) throw content.malformed;
    await handle(content.event, signal);
  });
  session.start();
  return () => session.stop();
}
