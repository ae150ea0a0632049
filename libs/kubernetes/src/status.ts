import { KubernetesClient } from './client';
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
   * @returns false when it was so already and nothing was sent
   */
  async write(object: KubernetesObject, status: unknown, signal?: AbortSignal): Promise<boolean> {
    const { client, type, fieldManager } = this.options;
    const { metadata } = object;
    const key = keyOf(metadata);
    if (sameJson(this.current(key, object, status), status)) return false;
    const written = await client.applyStatus(
      type,
      { metadata, status },
      { fieldManager, force: true, ...(signal ? { signal } : {}) },
    );
    this.lastWrites.set(key, {
      uid: metadata.uid,
      status,
      seenVersion: metadata.resourceVersion,
      writtenVersion: written.metadata.resourceVersion,
    });
    return true;
  }

  /** The object is gone. */
  forget(key: string): void {
    this.lastWrites.delete(key);
  }

  /** What the server has most likely; if in doubt, the one that differs from what is wanted. */
  private current(key: string, object: KubernetesObject, wanted: unknown): unknown {
    const last = this.lastWrites.get(key);
    if (last === undefined) return object.status;
    const { uid, resourceVersion } = object.metadata;
    if (uid !== last.uid || resourceVersion === last.writtenVersion) {
      this.lastWrites.delete(key);
      return object.status;
    }
    if (resourceVersion === last.seenVersion) return last.status;
    // The cache is between the two or past both; versions can't be ordered.
    return sameJson(object.status, wanted) ? last.status : object.status;
  }
}
