import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';

/** A stream, or one of its consumers, that somebody has changed. */
export interface Changed {
  readonly stream: string;
  /** Absent when the stream itself has changed. */
  readonly consumer?: string;
  readonly gone: boolean;
}

const audit = z.looseObject({
  subject: z.string(),
  client: z.looseObject({ name: z.string().optional() }).nullish(),
  response: z.string().optional(),
});

/** Requests that change something. With a domain the API's prefix holds its name. */
const CHANGE =
  /^\$JS\.(?:[^.]+\.)?API\.(?:STREAM\.(CREATE|UPDATE|DELETE|RESTORE)\.([^.]+)|CONSUMER\.(CREATE|DURABLE\.CREATE|DELETE|RESET|PAUSE)\.([^.]+)(?:\.([^.]+))?)/;
const DELETED = /\.ADVISORY\.(?:STREAM\.DELETED\.([^.]+)|CONSUMER\.DELETED\.([^.]+)\.([^.]+))$/;

/**
 * Tells of every change to a stream or consumer that somebody else has made, as JetStream announces it. Edits of consumers
 * announce themselves only in the audit of API requests; what the server deletes by itself, such as idle consumers, only
 * as an action. Requests of our own clients are left out: what they did is known.
 *
 * @returns ends the subscriptions
 */
export function watchChanges(
  connection: NatsConnection,
  ownName: string,
  onChange: (changed: Changed) => void,
): () => void {
  const subscriptions = [
    connection.subscribe('$JS.EVENT.ADVISORY.API', {
      callback: (error, message) => {
        if (error || !mayTell(message.data, ownName)) return;
        const changed = changedByRequest(message, ownName);
        if (changed) onChange(changed);
      },
    }),
    ...['$JS.EVENT.ADVISORY.STREAM.DELETED.*', '$JS.EVENT.ADVISORY.CONSUMER.DELETED.*.*'].map((subject) =>
      connection.subscribe(subject, {
        callback: (error, message) => {
          const changed = error ? undefined : deletedBy(message.subject);
          if (changed) onChange(changed);
        },
      }),
    ),
  ];
  return () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
}

const SUBJECT = '"subject":"';
/** Longest subject of a request that is looked at. */
const SUBJECT_BYTES = 1_024;

/**
 * Whether an audit is worth reading. Audits carry the whole answer, and a list of streams, our own too, makes hundreds of
 * kilobytes of it; this looks at its subject alone.
 */
export function mayTell(audited: Uint8Array, ownName: string): boolean {
  const bytes = Buffer.from(audited.buffer, audited.byteOffset, audited.byteLength);
  if (bytes.includes(`"name":${JSON.stringify(ownName)}`)) return false;
  const at = bytes.indexOf(SUBJECT) + SUBJECT.length;
  return CHANGE.test(bytes.toString('utf8', at, at + SUBJECT_BYTES));
}

export function changedByRequest(message: Pick<Msg, 'json'>, ownName: string): Changed | undefined {
  const parsed = readable(message);
  if (!parsed) return undefined;
  const [, streamVerb, stream, consumerVerb, ofStream, consumer] = CHANGE.exec(parsed.subject) ?? [];
  if (stream !== undefined && !isOwn(parsed, ownName)) return { stream, gone: streamVerb === 'DELETE' };
  if (ofStream === undefined || isOwn(parsed, ownName)) return undefined;
  // Requests of old clients name an ephemeral consumer only in their body; a durable one is never among them.
  return consumer === undefined ? undefined : { stream: ofStream, consumer, gone: consumerVerb === 'DELETE' };
}

export function deletedBy(subject: string): Changed | undefined {
  const [, stream, ofStream, consumer] = DELETED.exec(subject) ?? [];
  if (stream !== undefined) return { stream, gone: true };
  return ofStream === undefined || consumer === undefined
    ? undefined
    : { stream: ofStream, consumer, gone: true };
}

const isOwn = (parsed: z.infer<typeof audit>, ownName: string): boolean => parsed.client?.name === ownName;

function readable(message: Pick<Msg, 'json'>): z.infer<typeof audit> | undefined {
  try {
    return audit.safeParse(message.json()).data;
  } catch {
    return undefined;
  }
}
