import fc from 'fast-check';
import type { KubernetesObject } from '@headwater/kubernetes';
import { holderOf } from './rivals';

const stream = (uid: string, creationTimestamp: string, spec: object = {}): KubernetesObject => ({
  apiVersion: 'jetstream.headwater.dev/v1alpha1',
  kind: 'Stream',
  metadata: { name: uid, namespace: 'ns', uid, creationTimestamp },
  spec: { name: 'S', ...spec },
});

test('the oldest holds', () => {
  const [old, young] = [stream('z', '2026-01-01T00:00:00Z'), stream('a', '2026-01-01T00:00:01Z')];
  expect(holderOf('Stream', [young, old])).toBe(old);
});

test('those that only observe, or can not be read, hold nothing', () => {
  const observer = stream('a', '2026-01-01T00:00:00Z', { managementPolicy: 'Observe' });
  const broken = stream('b', '2026-01-01T00:00:00Z', { maxAge: 'soon' });
  const third = stream('c', '2026-01-02T00:00:00Z');
  expect(holderOf('Stream', [observer, broken, third])).toBe(third);
  expect(holderOf('Stream', [observer])).toBeUndefined();
});

test('every replica says the same, in whatever order it knows the rivals', () => {
  const rivals = fc.uniqueArray(
    fc.record({ uid: fc.string({ minLength: 1 }), second: fc.nat(3), order: fc.double({ noNaN: true }) }),
    { minLength: 1, selector: ({ uid }) => uid },
  );
  fc.assert(
    fc.property(rivals, (described) => {
      const made = described.map(({ uid, second, order }) => ({
        order,
        object: stream(uid, `2026-01-01T00:00:0${second}Z`),
      }));
      const objects = made.map(({ object }) => object);
      const shuffled = [...made].sort((a, b) => a.order - b.order).map(({ object }) => object);
      expect(holderOf('Stream', shuffled)).toBe(holderOf('Stream', objects));
    }),
  );
});
