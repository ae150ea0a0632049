import { z } from 'zod';
import { defineEvent } from './event-definition';

/** Why a message was parked. */
export const PARKING_REASONS = [
  'terminal',
  'attempts',
  'crash-loop',
  'undecodable',
  'behind',
  'given-up',
  'operator',
] as const;

/**
 * Dead letters are events of a log of their own. Aggregate id: consumer + ':' + SHA-256 (hex) of the original aggregate
 * id, or of stream and sequence when the message is no event of a log.
 */
export const DEAD_LETTER_EVENTS = {
  parked: defineEvent({
    type: 'DEADLETTERS.parked',
    version: 1,
    summary: 'A message could not be handled and waits for a person.',
    upcasters: { 0: (data) => data },
    schema: z.object({
      stream: z.string(),
      consumer: z.string(),
      /** JetStream sequence; equals the log position for an event of a log. */
      sequence: z.number().int(),
      redrive: z.number().int().nonnegative(),
      /** Present when the message is an event of a log. */
      event: z
        .object({
          log: z.string(),
          position: z.number().int(),
          event_id: z.string(),
          event_type: z.string(),
          aggregate_id: z.string(),
        })
        .optional(),
      /** Present when it is not; `body` is cut at 64 KiB. */
      message: z
        .object({ subject: z.string(), headers: z.record(z.string(), z.array(z.string())), body: z.string() })
        .optional(),
      error: z.object({ name: z.string(), message: z.string() }),
      /**
       * `terminal`, `attempts`, `crash-loop`, `undecodable`; `behind`: it waits behind another of its aggregate;
       * `given-up`: the broker will not deliver it any more; `operator`: a person has left it out.
       */
      reason: z.enum(PARKING_REASONS),
      attempts: z.number().int(),
      first_failure: z.string(),
      last_failure: z.string(),
    }),
  }),
  redriven: defineEvent({
    type: 'DEADLETTERS.redriven',
    version: 1,
    summary: 'A person has sent a parked message to its worker again.',
    upcasters: { 0: (data) => data },
    schema: z.object({
      consumer: z.string(),
      parked_position: z.number().int(),
      by: z.string(),
      reason: z.string(),
    }),
  }),
  discarded: defineEvent({
    type: 'DEADLETTERS.discarded',
    version: 1,
    summary: 'A person has decided that a parked message is not to be handled.',
    upcasters: { 0: (data) => data },
    schema: z.object({
      consumer: z.string(),
      parked_position: z.number().int(),
      by: z.string(),
      reason: z.string(),
    }),
  }),
  handled: defineEvent({
    type: 'DEADLETTERS.handled',
    version: 1,
    summary: 'The worker has handled a redriven message.',
    upcasters: { 0: (data) => data },
    schema: z.object({ consumer: z.string(), parked_position: z.number().int() }),
  }),
} as const;

export type DeadLetterEventName = keyof typeof DEAD_LETTER_EVENTS;
export type ParkedDeadLetter = z.infer<(typeof DEAD_LETTER_EVENTS)['parked']['schema']>;

/** Type of the aggregates of the DEADLETTERS log. */
export const DEAD_LETTER_AGGREGATE = 'deadletter';
