import { ComparedField } from './server-config';

/**
 * What a server has chosen for fields that are not declared, where that is not the usual default: accounts and servers may
 * have limits of their own. Learnt from what is read back after a write without the field, so that the same is no drift.
 */
export class ServerDefaults {
  private readonly seen = new Map<string, Set<string | undefined>>();

  learn(kind: string, { server }: ComparedField, held: string | undefined): void {
    const key = `${kind} ${server}`;
    const values = this.seen.get(key) ?? new Set();
    values.add(held);
    this.seen.set(key, values);
  }

  has(kind: string, { server }: ComparedField, held: string | undefined): boolean {
    return this.seen.get(`${kind} ${server}`)?.has(held) ?? false;
  }
}
