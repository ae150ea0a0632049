import { MsgHdrsImpl } from '@nats-io/transport-node';
import { encodeHeaderValue, headersOf, RecordedEvent } from '@headwater/contracts';

/** An event with the store's own digest, which travels so that a lost tail can be imported again. */
export interface RelayedEvent {
  readonly event: RecordedEvent;
  readonly digest: string;
}

/**
 * Header block of one message: CloudEvents, the message id that is the event's, and the sequence that must be the
 * stream's last. Written as text at once: the client's own header map costs a search through all names for each of the
 * twenty headers.
 */
export function encodeHeaderBlock({ event, digest }: RelayedEvent): Uint8Array {
  let block = `NATS/1.0\r\nNats-Msg-Id: ${encodeHeaderValue(event.eventId)}\r\nNats-Expected-Last-Sequence: ${event.position - 1}\r\n`;
  for (const [name, value] of headersOf(event, digest)) block += `${name}: ${value}\r\n`;
  // Header values are percent-encoded to printable ASCII.
  return Buffer.from(`${block}\r\n`, 'latin1');
}

/** Headers that are encoded already, in the shape that the client's `publish` takes. */
export class EncodedHeaders extends MsgHdrsImpl {
  block: Uint8Array = new Uint8Array();

  override encode(): Uint8Array {
    return this.block;
  }
}
