export interface WireMessage {
  /** One letter; undefined for the start-up message, which has none. */
  type: string | undefined;
  /** The whole message, head included. */
  bytes: Buffer;
}

/** Cuts one direction of a PostgreSQL connection into messages. */
export class MessageReader {
  private rest: Buffer = Buffer.alloc(0);

  /** @param starting true for the client's side, whose first message has a length but no type */
  constructor(private starting: boolean) {}

  read(chunk: Buffer): WireMessage[] {
    let buffer = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const messages: WireMessage[] = [];
    for (;;) {
      const typed = this.starting ? 0 : 1;
      if (buffer.length < typed + 4) break;
      const length = typed + buffer.readInt32BE(typed);
      if (buffer.length < length) break;
      const bytes = buffer.subarray(0, length);
      messages.push({ type: typed === 0 ? undefined : String.fromCharCode(bytes[0] ?? 0), bytes });
      this.starting = false;
      buffer = buffer.subarray(length);
    }
    this.rest = buffer;
    return messages;
  }
}
