import { KubernetesClient } from './client';
import { isConflict, isNotFound } from './errors';
import { keyOf, KubernetesObject, ResourceType } from './objects';
import { sameJson } from './same-json';

export interface StatusWriterOptions {
  client: KubernetesClient;
  type: ResourceType;
  fieldManager: string;
}

interface LastWrite {
  uid: string | undefined;
  status: unknown;
  /** What the cache showed when this was written. */
  seenVersion: string | undefined;
  /** What the write made of it. */
  writtenVersion: string | undefined;
}

/**
 * Writes statuses by server-side apply, and only those that differ.
 *
 * A cache lags behind what was just written; comparing with it alone would skip the way back from B to A while it still
 * shows the A before. So the last write of an object counts too, until the cache has shown it.
 */
export class StatusWriter {
  private readonly lastWrites = new Map<string, LastWrite>();

  constructor(private readonly options: StatusWriterOptions) {}

  /**
   * Applies `status` to `object`, which is the cached one. The whole status that this field manager wants must be given:
   * what it applied before and leaves out now is removed.
   *
   * @returns false when nothing was sent, because it was so already or the object is gone
   * @throws KubernetesApiError 409 when the object was deleted and made anew, or keeps changing
   */
  async write(object: KubernetesObject, status: unknown, signal?: AbortSignal): Promise<boolean> {
    const key = keyOf(object.metadata);
    const last = this.lastWriteOf(key, object);
    if (sameJson(current(last, object, status), status)) return false;
    const { uid, resourceVersion: seenVersion } = object.metadata;
    const newest = last?.seenVersion === seenVersion ? last?.writtenVersion : seenVersion;
    const writtenVersion = await this.apply(object, status, newest ?? seenVersion, signal);
    if (writtenVersion === undefined) return false;
    this.lastWrites.set(key, { uid, status, seenVersion, writtenVersion });
    return true;
  }

  /** The object is gone. */
  forget(key: string): void {
    this.lastWrites.delete(key);
  }

  /** With the version, so that an object made anew under the same name never gets its predecessor's status. */
  private async apply(
    object: KubernetesObject,
    status: unknown,
    version: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const { client, type, fieldManager } = this.options;
    const { metadata } = object;
    const options = { fieldManager, force: true, ...(signal ? { signal } : {}) };
    const send = async (resourceVersion: string | undefined): Promise<string | undefined> => {
      const at = resourceVersion === undefined ? {} : { resourceVersion };
      const written = await client.applyStatus(type, { metadata, status }, { ...options, ...at });
      return written.metadata.resourceVersion;
    };
    try {
      return await send(version);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (!isConflict(error)) throw error;
      // Changed meanwhile: the status still says for which generation it was found, so it may go to the newer version.
      const found = await client.get(type, metadata, signal);
      if (found === undefined) return undefined;
      if (found.metadata.uid !== metadata.uid) throw error;
      return send(found.metadata.resourceVersion);
    }
  }

  /** undefined when the cache has shown it, or it was another object's. */
  private lastWriteOf(key: string, { metadata }: KubernetesObject): LastWrite | undefined {
    const last = this.lastWrites.get(key);
    if (last === undefined) return undefined;
    if (metadata.uid === last.uid && metadata.resourceVersion !== last.writtenVersion) return last;
    this.lastWrites.delete(key);
    return undefined;
  }
}

/** What the server has most likely; if in doubt, the one that differs from what is wanted. */
function current(last: LastWrite | undefined, object: KubernetesObject, wanted: unknown): unknown {
  if (last === undefined) return object.status;
  if (object.metadata.resourceVersion === last.seenVersion) return last.status;
  // The cache is between the two or past both; versions can't be ordered.
  return sameJson(object.status, wanted) ? last.status : object.status;
}
