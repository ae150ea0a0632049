import { givenBack, heldBy, Lease, LeaseObservation, LeaseSpec, microTime } from './lease';

const lease = (resourceVersion: string, spec: LeaseSpec): Lease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { namespace: 'n', name: 'l', resourceVersion },
  spec,
});
const SECONDS = 1_000;

describe('what a candidate sees of a lease', () => {
  test('the holder counts from when it was seen here, whatever its wall clock says', () => {
    const seen = new LeaseObservation();
    const long = { holderIdentity: 'a', leaseDurationSeconds: 15 };
    for (const renewTime of ['1999-01-01T00:00:00.000000Z', '2099-01-01T00:00:00.000000Z']) {
      seen.note(lease(renewTime, { ...long, renewTime }), 100 * SECONDS);
      expect(seen.holder(114.9 * SECONDS)).toBe('a');
      expect(seen.holder(115 * SECONDS)).toBeUndefined();
    }
  });

  test('reading the same version again does not make it younger, a renewal does', () => {
    const seen = new LeaseObservation();
    const spec = { holderIdentity: 'a', leaseDurationSeconds: 15 };
    seen.note(lease('1', spec), 0);
    seen.note(lease('1', spec), 10 * SECONDS);
    expect(seen.holder(16 * SECONDS)).toBeUndefined();
    seen.note(lease('2', spec), 16 * SECONDS);
    expect(seen.holder(30 * SECONDS)).toBe('a');
  });

  test('the length is that which the holder wrote, not the candidate’s own', () => {
    const seen = new LeaseObservation();
    seen.note(lease('1', { holderIdentity: 'a', leaseDurationSeconds: 60 }), 0);
    expect(seen.holder(59 * SECONDS)).toBe('a');
  });

  test('nobody holds one that is absent, was given back, or never said for how long', () => {
    const seen = new LeaseObservation();
    expect(seen.holder(0)).toBeUndefined();
    seen.note(lease('1', { holderIdentity: '', leaseDurationSeconds: 15 }), 0);
    expect(seen.holder(0)).toBeUndefined();
    seen.note(lease('2', { holderIdentity: 'a' }), 0);
    expect(seen.holder(0)).toBeUndefined();
    seen.note(undefined, 0);
    expect(seen.lease).toBeUndefined();
  });
});

describe('what is written into a lease', () => {
  const first = new Date('2026-01-01T00:00:00.123Z');
  const later = new Date('2026-01-01T00:00:02.000Z');

  test('times have six places', () => {
    expect(microTime(first)).toBe('2026-01-01T00:00:00.123000Z');
  });

  test('a renewal keeps when it was taken, and how often', () => {
    const taken = heldBy('a', undefined, 15_000, first);
    expect(taken).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
    const renewed = heldBy('a', taken, 15_000, later);
    expect(renewed).toEqual({ ...taken, renewTime: microTime(later) });
  });

  test('another holder, also after it was given back, is a transition', () => {
    const back = givenBack(heldBy('a', undefined, 15_000, first), later);
    expect(back).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    expect(heldBy('b', back, 15_000, later)).toMatchObject({
      holderIdentity: 'b',
      leaseTransitions: 1,
      acquireTime: microTime(later),
    });
  });
});
