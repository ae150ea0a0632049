import { decodeApiError, decodeObject, isRecord, parseJson } from './decode';
import { KubernetesObject, ResourceType } from './objects';

export type WatchEvent<T extends KubernetesObject> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  /** Nothing changed up to this version: a sign of life, and a newer place to go on from. */
  | { type: 'BOOKMARK'; resourceVersion: string };

const NEWLINE = 0x0a;

/**
 * The events of a watch's body, one JSON document a line, in the batches in which they arrived.
 *
 * @throws KubernetesApiError for an error that the server sends as an event
 */
export async function* readWatch<T extends KubernetesObject>(
  type: ResourceType,
  body: AsyncIterable<Buffer>,
  what: string,
): AsyncGenerator<WatchEvent<T>[], void> {
  let begun: Buffer[] = [];
  for await (const chunk of body) {
    const batch: WatchEvent<T>[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const rest = chunk.subarray(from, end);
      const line = begun.length === 0 ? rest : Buffer.concat([...begun, rest]);
      begun = [];
      from = end + 1;
      if (line.length > 0) batch.push(decodeEvent<T>(type, line.toString('utf8'), what));
    }
    if (from < chunk.length) begun.push(chunk.subarray(from));
    if (batch.length > 0) yield batch;
  }
}

function decodeEvent<T extends KubernetesObject>(
  type: ResourceType,
  line: string,
  what: string,
): WatchEvent<T> {
  const event = parseJson(line, `could not ${what}`);
  const kind = isRecord(event) ? event['type'] : undefined;
  const object = isRecord(event) ? event['object'] : undefined;
  switch (kind) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: kind, object: decodeObject<T>(type, object) };
    case 'BOOKMARK': {
      const metadata = isRecord(object) ? object['metadata'] : undefined;
      const version = isRecord(metadata) ? metadata['resourceVersion'] : undefined;
      return { type: 'BOOKMARK', resourceVersion: typeof version === 'string' ? version : '' };
    }
    case 'ERROR':
      throw decodeApiError(what, 500, object);
    default:
      throw new Error(`could not ${what}: an event of type ${String(kind)} is not known`);
  }
}
