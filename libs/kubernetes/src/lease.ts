import { isRecord } from './decode';
import { KubernetesObject, ResourceType } from './objects';

export const LEASE: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

export interface LeaseSpec {
  /** Empty or absent: given back. */
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  /** For people; never compared with a clock here. */
  acquireTime?: string;
  /** That it changes says that the holder lives; never compared with a clock here. */
  renewTime?: string;
  leaseTransitions?: number;
}

export interface Lease extends KubernetesObject {
  spec: LeaseSpec;
}

export function decodeLease(raw: KubernetesObject): Lease {
  const spec = isRecord(raw.spec) ? raw.spec : {};
  const text = (field: string): Record<string, string> => {
    const value = spec[field];
    return typeof value === 'string' ? { [field]: value } : {};
  };
  const count = (field: string): Record<string, number> => {
    const value = spec[field];
    return typeof value === 'number' ? { [field]: value } : {};
  };
  return {
    ...raw,
    spec: {
      ...text('holderIdentity'),
      ...count('leaseDurationSeconds'),
      ...text('acquireTime'),
      ...text('renewTime'),
      ...count('leaseTransitions'),
    },
  };
}

/**
 * What one candidate has seen of a lease, and when by its own monotonic clock.
 *
 * The holder counts as alive for as long as its lease says, from the moment at which *this* candidate saw it renewed. Times
 * inside the lease come from the holder's wall clock and are never looked at, so clocks may differ by hours; only
 * their rates must agree. Source: client-go `tools/leaderelection`.
 */
export class LeaseObservation {
  private seen: { lease: Lease; atMs: number } | undefined;

  /** Notes a lease; a version that was noted already keeps its time. */
  note(lease: Lease | undefined, nowMs: number): void {
    if (lease === undefined) this.seen = undefined;
    else if (this.seen?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion) {
      this.seen = { lease, atMs: nowMs };
    }
  }

  get lease(): Lease | undefined {
    return this.seen?.lease;
  }

  /** Who holds it as far as can be known; undefined when it is free or its time is over. */
  holder(nowMs: number): string | undefined {
    if (this.seen === undefined) return undefined;
    const { holderIdentity, leaseDurationSeconds = 0 } = this.seen.lease.spec;
    if (!holderIdentity) return undefined;
    return nowMs < this.seen.atMs + leaseDurationSeconds * 1000 ? holderIdentity : undefined;
  }
}

/** The spec of a lease that `identity` takes or renews. */
export function heldBy(
  identity: string,
  before: LeaseSpec | undefined,
  leaseMs: number,
  wallClock: Date,
): LeaseSpec {
  const now = microTime(wallClock);
  const leaseDurationSeconds = Math.max(1, Math.ceil(leaseMs / 1000));
  if (before?.holderIdentity === identity) {
    return { ...before, leaseDurationSeconds, renewTime: now };
  }
  return {
    holderIdentity: identity,
    leaseDurationSeconds,
    acquireTime: now,
    renewTime: now,
    leaseTransitions: before === undefined ? 0 : (before.leaseTransitions ?? 0) + 1,
  };
}

/** The spec of a lease that is given back. */
export function givenBack(before: LeaseSpec, wallClock: Date): LeaseSpec {
  return { ...before, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(wallClock) };
}

/** The API's MicroTime has exactly six places. */
export function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}
