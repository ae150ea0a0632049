import { RecordedEvent } from '@headwater/contracts';

/** An event as SQL holds it: like RecordedEvent, with the metadata as text and the digest. */
export interface StoredEvent extends Omit<RecordedEvent, 'metadata'> {
  /** A JSON object's text, or ''. */
  metadata: string;
  digest: string;
}

export interface EventRow {
  log: string;
  position: number;
  event_id: string;
  event_type: string;
  aggregate_id: string;
  aggregate_type: string;
  version: number;
  data: string;
  metadata: string;
  digest: string;
  recorded_at: Date;
}

export const EVENT_COLUMNS =
  'log, position, event_id, event_type, aggregate_id, aggregate_type, version, data, metadata, digest, recorded_at';

export function storedEvent(row: EventRow): StoredEvent {
  return {
    log: row.log,
    position: row.position,
    eventId: row.event_id,
    eventType: row.event_type,
    aggregateId: row.aggregate_id,
    aggregateType: row.aggregate_type,
    version: row.version,
    data: row.data,
    metadata: row.metadata,
    digest: row.digest,
    recordedAt: row.recorded_at.toISOString(),
  };
}

/** With its metadata read; appends have checked that it is a JSON object. */
export function recordedEvent({ digest: _, metadata, ...event }: StoredEvent): RecordedEvent {
  return { ...event, metadata: metadata === '' ? {} : (JSON.parse(metadata) as RecordedEvent['metadata']) };
}
