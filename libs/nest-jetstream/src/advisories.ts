import { jetStream } from '@headwater/contracts';
import { NatsConnection, Subscription } from '@nats-io/transport-node';
import { z } from 'zod';

const advisory = z.object({
  stream_seq: z.number(),
  deliveries: z.number().optional(),
  reason: z.string().optional(),
});

/** What nats-server says where the stream itself has dropped a message (`ackTermLimitsReason` in its consumer.go). */
const DROPPED = new Set(['Message deleted by stream limits', 'Unacknowledged message was deleted']);

/** A message that the broker will not deliver any more. */
export interface GivenUp {
  sequence: number;
  /**
   * `terminated`: somebody has sent +TERM; `max deliveries`: somebody has declared a limit; `dropped`: the stream does not
   * have it any more, and whoever holds it goes on with it.
   */
  cause: 'terminated' | 'max deliveries' | 'dropped';
}

/**
 * The safety net under dead letters: tells of every message of the consumer that the broker gives up, whoever caused it.
 * Advisories are not stored, so one that is missed while no process runs is not seen.
 */
export function watchGivenUp(
  connection: NatsConnection,
  stream: string,
  consumer: string,
  seen: (givenUp: GivenUp) => void,
): Subscription[] {
  const subscribe = (subject: string, cause: GivenUp['cause']): Subscription =>
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) return;
        const read = advisory.safeParse(parse(message.string()));
        if (!read.success) return;
        const { stream_seq: sequence, reason = '' } = read.data;
        seen({ sequence, cause: DROPPED.has(reason) ? 'dropped' : cause });
      },
    });
  return [
    subscribe(jetStream.terminated(stream, consumer), 'terminated'),
    subscribe(jetStream.maxDeliveries(stream, consumer), 'max deliveries'),
  ];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
