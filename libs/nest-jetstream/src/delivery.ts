import { eventOfMessage, HEADERS, MalformedMessage, RecordedEvent } from '@headwater/contracts';
import { Msg } from '@nats-io/transport-node';

/** One delivery of a stream's message, decoded once. */
export interface Delivery {
  /** JetStream sequence; the log position. */
  readonly sequence: number;
  /** How often the broker has delivered the message, from 1. */
  deliveries: number;
  /** Where the outcome is sent; undefined for an event that was read from the log instead of delivered. */
  reply: string | undefined;
  /** Messages behind it that the consumer had not delivered yet. */
  readonly pending: number;
  /** When the stream stored it, milliseconds since 1970. */
  readonly storedAt: number;
  readonly receivedAt: number;
  readonly content: Content;
}

export type Content = { event: RecordedEvent } | { malformed: MalformedMessage; message: RawMessage };

/** What a message was that is no event. */
export interface RawMessage {
  subject: string;
  headers: Record<string, string[]>;
  body: string;
}

/** Stream, consumer, counts and time, as JetStream writes them into the reply subject (ADR-15 of NATS; 9 or 12 tokens). */
export interface AckSubject {
  stream: string;
  consumer: string;
  deliveries: number;
  sequence: number;
  storedAt: number;
  pending: number;
}

/** @throws MalformedMessage when the subject is none of JetStream's */
export function parseAckSubject(reply: string): AckSubject {
  const tokens = reply.split('.');
  const from = tokens.length === 9 ? 2 : 4;
  const [stream, consumer, deliveries, sequence, , time, pending] = tokens.slice(from);
  if (tokens.length < 9 || stream === undefined || consumer === undefined || pending === undefined) {
    throw new MalformedMessage(`${reply} is not the ack subject of a JetStream message`);
  }
  return {
    stream,
    consumer,
    deliveries: Number(deliveries),
    sequence: Number(sequence),
    // Nanoseconds; a double's error here is less than a microsecond.
    storedAt: Math.floor(Number(time) / 1e6),
    pending: Number(pending),
  };
}

/** A message's delivery. Never throws for what a publisher may have written: that becomes `malformed`. */
export function deliveryOf(message: Msg, reply: string, now = Date.now()): Delivery {
  const { sequence, deliveries, storedAt, pending, stream } = parseAckSubject(reply);
  return {
    sequence,
    deliveries,
    reply,
    pending,
    storedAt,
    receivedAt: now,
    content: contentOf(message, stream, sequence),
  };
}

/** An event that is missing from the stream and was read from its log. */
export function deliveryFromLog(event: RecordedEvent, now = Date.now()): Delivery {
  return {
    sequence: event.position,
    deliveries: 1,
    reply: undefined,
    pending: 0,
    storedAt: Date.parse(event.recordedAt) || now,
    receivedAt: now,
    content: { event },
  };
}

function contentOf(message: Msg, stream: string, sequence: number): Content {
  // One pass into a map: the client's own `get` walks all names for each look-up.
  const headers = new Map<string, string[]>(message.headers ?? []);
  try {
    const event = eventOfMessage((name) => headers.get(name)?.[0], message.string());
    if (event.log !== stream) {
      throw new MalformedMessage(`the header ${HEADERS.type} names the log ${event.log} in stream ${stream}`);
    }
    if (event.position !== sequence) {
      throw new MalformedMessage(
        `the header ${HEADERS.position} says ${event.position}, the stream ${sequence}`,
      );
    }
    return { event };
  } catch (error) {
    const malformed =
      error instanceof MalformedMessage
        ? error
        : new MalformedMessage('the message can not be read', { cause: error });
    return {
      malformed,
      message: {
        subject: message.subject,
        headers: Object.fromEntries(headers),
        body: new TextDecoder().decode(message.data),
      },
    };
  }
}

/** Tells a repeated delivery of the same message from another message at the same sequence of a recreated stream. */
export const identityOf = (delivery: Delivery): string =>
  'event' in delivery.content
    ? delivery.content.event.eventId
    : `${delivery.content.message.subject}#${delivery.sequence}`;
