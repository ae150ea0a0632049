import { AppendResult, ExpectedVersion } from '@headwater/contracts';

/** An append as it reaches the store. Data and metadata are texts: what is stored are the bytes that were sent. */
export interface AppendRequest {
  log: string;
  aggregates: readonly AggregateRequest[];
}

export interface AggregateRequest {
  aggregateId: string;
  aggregateType: string;
  expected: ExpectedVersion;
  events: readonly EventRequest[];
}

export interface EventRequest {
  eventId: string;
  eventType: string;
  /** A JSON text or ''. */
  data: string;
  /** A JSON object's text or ''. */
  metadata: string;
}

/** A checked append with what deciding and storing it needs. */
export interface PreparedAppend {
  log: string;
  aggregates: readonly PreparedAggregate[];
  /** Number of events. */
  count: number;
  /** Bytes of data and metadata. */
  bytes: number;
}

export interface PreparedAggregate extends AggregateRequest {
  events: readonly PreparedEvent[];
}

export interface PreparedEvent extends EventRequest {
  /** SHA-256, hex. */
  digest: string;
}

/** What became of one append of a batch: its result, or the error it is refused with. */
export type AppendOutcome = AppendResult | Error;
