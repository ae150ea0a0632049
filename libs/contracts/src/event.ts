import { z } from 'zod';

/**
 * What travels beside an event's data: where it came from, not what it says. It is no part of the event's identity, so
 * a retry with another trace context is still the same event.
 */
export const eventMetadataSchema = z.looseObject({
  /** The first cause of the whole chain: the id of the order's `created` event. */
  correlationId: z.string().optional(),
  /** Id of the event that this one was produced for. */
  causationId: z.string().optional(),
  /** W3C trace context of the producer. */
  traceparent: z.string().optional(),
  /** Version of the data's schema in the catalogue; absent means 0, the sample's own payloads. */
  schemaVersion: z.number().int().nonnegative().optional(),
  /** SHA-256 (hex) of the HTTP request that caused the event; recognises a retry with the same idempotency key. */
  requestDigest: z.string().optional(),
  /** The delivery a worker was handling when it produced the event. */
  delivery: z
    .object({
      worker: z.string(),
      /** Process that handled it: host and pid. */
      instance: z.string(),
      /** How often the broker has delivered the message, from 1. */
      attempt: z.number().int(),
      /** RFC 3339. */
      receivedAt: z.string(),
      /** Milliseconds from receipt to the append. */
      handledMs: z.number(),
    })
    .optional(),
});
export type EventMetadata = z.infer<typeof eventMetadataSchema>;

/** An event as a producer hands it in. */
export interface NewEvent {
  eventId: string;
  eventType: string;
  /** JSON text, kept byte for byte; may be empty. */
  data: string;
  metadata?: EventMetadata;
}

/** An event as the log holds it. */
export interface RecordedEvent {
  log: string;
  /** Place in the log, from 1, without gaps; equal to the JetStream sequence. */
  position: number;
  eventId: string;
  eventType: string;
  aggregateId: string;
  aggregateType: string;
  /** Place in the aggregate's history, from 1. */
  version: number;
  data: string;
  metadata: EventMetadata;
  /** RFC 3339 with milliseconds, UTC. */
  recordedAt: string;
}

/** What an append expects the aggregate's version to be. A number is that exact version (0: no events yet). */
export type ExpectedVersion = 'any' | 'no_stream' | 'exists' | number;

export interface AggregateAppend {
  aggregateId: string;
  aggregateType: string;
  expected: ExpectedVersion;
  events: NewEvent[];
}

export interface AppendedEvent {
  eventId: string;
  position: number;
  version: number;
}

export interface AppendResult {
  events: AppendedEvent[];
  /** These very events had been stored before; positions and versions are those of the first time. */
  repeated: boolean;
}
