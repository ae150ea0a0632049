import { KubernetesClient } from './client';
import { isConflict, isNotFound } from './errors';
import { KubernetesObject, ObjectMeta, ResourceType } from './objects';

/** Readings of an object whose finalizers others keep changing. */
const ATTEMPTS = 5;

/**
 * Adds a finalizer. Nothing is sent when the object has it already, or is being deleted, when none may be added.
 *
 * A merge patch replaces the whole list, so it carries the resourceVersion of the list that it was made from: a finalizer
 * that somebody else adds meanwhile makes it fail, and it is made again. (Server-side apply would create the object
 * anew if it were gone, and would not take away a finalizer that kubectl's manifest lists too.)
 *
 * @returns the object with it; undefined when it is gone
 */
export function addFinalizer<T extends KubernetesObject>(
  client: KubernetesClient,
  type: ResourceType,
  object: T,
  finalizer: string,
  signal?: AbortSignal,
): Promise<T | undefined> {
  return change(client, type, object, signal, ({ finalizers = [], deletionTimestamp }) =>
    finalizers.includes(finalizer) || deletionTimestamp !== undefined
      ? undefined
      : [...finalizers, finalizer],
  );
}

/**
 * Removes a finalizer and leaves those of others. When it was the last of an object that is being deleted, the object
 * is gone with it.
 *
 * @returns the object without it; undefined when it is gone
 */
export function removeFinalizer<T extends KubernetesObject>(
  client: KubernetesClient,
  type: ResourceType,
  object: T,
  finalizer: string,
  signal?: AbortSignal,
): Promise<T | undefined> {
  return change(client, type, object, signal, ({ finalizers = [] }) =>
    finalizers.includes(finalizer) ? finalizers.filter((each) => each !== finalizer) : undefined,
  );
}

export function hasFinalizer(object: KubernetesObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

/** @param wanted the new list; undefined: it is right as it is */
async function change<T extends KubernetesObject>(
  client: KubernetesClient,
  type: ResourceType,
  object: T,
  signal: AbortSignal | undefined,
  wanted: (metadata: ObjectMeta) => string[] | undefined,
): Promise<T | undefined> {
  let current = object;
  for (let attempt = 1; ; attempt++) {
    const finalizers = wanted(current.metadata);
    if (finalizers === undefined) return current;
    const { uid, resourceVersion } = current.metadata;
    try {
      return await client.patch<T>(
        type,
        current.metadata,
        { metadata: { uid, resourceVersion, finalizers } },
        signal ? { signal } : {},
      );
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
    }
    const read = await client.get<T>(type, current.metadata, signal);
    // Another object of the same name is not ours to change.
    if (read === undefined || read.metadata.uid !== object.metadata.uid) return undefined;
    current = read;
  }
}
