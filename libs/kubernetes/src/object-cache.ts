import { keyOf, KubernetesObject } from './objects';

export type InformerChange<T extends KubernetesObject> =
  | { type: 'added'; key: string; object: T }
  /** `previous === object` when nothing changed and the resync shows everything again. */
  | { type: 'updated'; key: string; object: T; previous: T }
  /** The object as it was last seen. */
  | { type: 'deleted'; key: string; object: T };

type IndexFunction<T> = (object: T) => readonly string[];

/** Objects by key and by further indexes; every change of it says what it changed. */
export class ObjectCache<T extends KubernetesObject> {
  private readonly objects = new Map<string, T>();
  private readonly indexes = new Map<string, { of: IndexFunction<T>; keys: Map<string, Set<string>> }>();

  get size(): number {
    return this.objects.size;
  }

  get(key: string): T | undefined {
    return this.objects.get(key);
  }

  list(): T[] {
    return [...this.objects.values()];
  }

  addIndex(name: string, of: IndexFunction<T>): void {
    if (this.indexes.has(name)) throw new Error(`there is an index ${name} already`);
    const index = { of, keys: new Map<string, Set<string>>() };
    this.indexes.set(name, index);
    for (const [key, object] of this.objects) enter(index.keys, of(object), key);
  }

  byIndex(name: string, value: string): T[] {
    const index = this.indexes.get(name);
    if (!index) throw new Error(`there is no index ${name}`);
    const found: T[] = [];
    for (const key of index.keys.get(value) ?? []) {
      const object = this.objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  /** Nothing when it is the version that is there already. */
  set(object: T): InformerChange<T>[] {
    const key = keyOf(object.metadata);
    const previous = this.objects.get(key);
    if (previous?.metadata.resourceVersion === object.metadata.resourceVersion && previous !== undefined)
      return [];
    this.objects.set(key, object);
    for (const { of, keys } of this.indexes.values()) {
      if (previous !== undefined) leave(keys, of(previous), key);
      enter(keys, of(object), key);
    }
    if (previous === undefined) return [{ type: 'added', key, object }];
    if (previous.metadata.uid === object.metadata.uid) return [{ type: 'updated', key, object, previous }];
    // Deleted and made anew while nobody looked.
    return [
      { type: 'deleted', key, object: previous },
      { type: 'added', key, object },
    ];
  }

  /** @param last the object as it was at its end */
  delete(key: string, last?: T): InformerChange<T>[] {
    const previous = this.objects.get(key);
    if (previous === undefined) return [];
    this.objects.delete(key);
    for (const { of, keys } of this.indexes.values()) leave(keys, of(previous), key);
    return [{ type: 'deleted', key, object: last ?? previous }];
  }

  /** Makes the content these objects; those in `keep` stay if they are there, whatever the new ones say. */
  replaceAll(objects: readonly T[], keep: ReadonlySet<string>): InformerChange<T>[] {
    const present = new Set(keep);
    for (const object of objects) present.add(keyOf(object.metadata));
    const changes: InformerChange<T>[] = [];
    for (const key of [...this.objects.keys()]) if (!present.has(key)) changes.push(...this.delete(key));
    for (const object of objects) changes.push(...this.set(object));
    return changes;
  }
}

function enter(keys: Map<string, Set<string>>, values: readonly string[], key: string): void {
  for (const value of values) {
    const found = keys.get(value);
    if (found) found.add(key);
    else keys.set(value, new Set([key]));
  }
}

function leave(keys: Map<string, Set<string>>, values: readonly string[], key: string): void {
  for (const value of values) {
    const found = keys.get(value);
    found?.delete(key);
    if (found?.size === 0) keys.delete(value);
  }
}
