import { cut } from './event-series';
import { keyOf, pathOf, refOf } from './objects';
import { sameJson } from './same-json';
import { TokenBuckets } from './token-buckets';

test.each([
  [{ a: 1, b: undefined }, { a: 1 }, true],
  [{ a: 1 }, { a: 1, b: undefined }, true],
  [{ a: 1 }, { a: 1, b: null }, false],
  [[1, { a: [] }], [1, { a: [] }], true],
  [[1, 2], [2, 1], false],
  [[], {}, false],
  [undefined, {}, false],
  [null, null, true],
  [null, {}, false],
])('%j and %j are the same JSON: %s', (a, b, same) => {
  expect(sameJson(a, b)).toBe(same);
});

test('keys and references are each other’s opposite', () => {
  expect(keyOf({ namespace: 'n', name: 'a' })).toBe('n/a');
  expect(refOf('n/a')).toEqual({ namespace: 'n', name: 'a' });
  expect(refOf('a')).toEqual({ name: 'a' });
});

test('paths of core and named groups, of namespaces and of the cluster', () => {
  const pod = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
  const role = {
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    plural: 'clusterroles',
    kind: 'ClusterRole',
    namespaced: false,
  };
  expect(pathOf(pod, { namespace: 'n', name: 'a' })).toBe('/api/v1/namespaces/n/pods/a');
  expect(pathOf(pod, {})).toBe('/api/v1/pods');
  expect(pathOf(role, { name: 'system:node' })).toBe(
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode',
  );
});

test('a long note is cut between characters', () => {
  expect(cut('short', 10)).toBe('short');
  expect(cut('äöüäöü', 10)).toBe('äöü…');
  expect(Buffer.byteLength(cut('𝄞'.repeat(500), 1_024))).toBeLessThanOrEqual(1_024);
});

test('a bucket gives its burst at once, then one token a while, per key', () => {
  const buckets = new TokenBuckets(2, 1_000, 2);
  expect([buckets.take('a', 0), buckets.take('a', 0), buckets.take('a', 0)]).toEqual([true, true, false]);
  expect(buckets.take('b', 0)).toBe(true);
  expect([buckets.take('a', 999), buckets.take('a', 1_000), buckets.take('a', 1_000)]).toEqual([
    false,
    true,
    false,
  ]);
  expect([buckets.take('a', 60_000), buckets.take('a', 60_000), buckets.take('a', 60_000)]).toEqual([
    true,
    true,
    false,
  ]);
});
