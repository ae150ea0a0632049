import { keyOf } from '@headwater/kubernetes';
import type { Asset, AssetKind } from '../assets/asset';

/**
 * Objects that can't be finished before something else is there: a connection, or a stream. They are looked at again when
 * it comes, and not before.
 */
export class Waiting {
  private readonly waiting = new Map<string, Map<string, AssetKind>>();

  constructor(private readonly enqueue: (kind: AssetKind, key: string) => void) {}

  /** @param what key of a connection, or claim of a stream */
  add(what: string, { kind, resource }: Asset): void {
    const behind = this.waiting.get(what) ?? new Map<string, AssetKind>();
    this.waiting.set(what, behind.set(`${kind} ${keyOf(resource.metadata)}`, kind));
  }

  /** It is there. */
  release(what: string): void {
    const behind = this.waiting.get(what);
    if (!behind) return;
    this.waiting.delete(what);
    for (const [name, kind] of behind) this.enqueue(kind, name.slice(kind.length + 1));
  }
}
