import { ObjectCache } from './object-cache';
import { KubernetesObject } from './objects';

const object = (
  name: string,
  version: string,
  uid = name,
  labels: Record<string, string> = {},
): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { namespace: 'n', name, uid, resourceVersion: version, labels },
});

const told = (changes: { type: string; key: string }[]): string[] =>
  changes.map(({ type, key }) => `${type} ${key}`);

describe('a cache of objects', () => {
  test('tells a new list as what differs from the old one', () => {
    const cache = new ObjectCache();
    for (const name of ['kept', 'changed', 'gone', 'again']) cache.set(object(name, '1'));
    const fresh = [
      object('kept', '1'),
      object('changed', '2'),
      object('again', '3', 'other'),
      object('new', '4'),
    ];
    expect(told(cache.replaceAll(fresh, new Set()))).toEqual([
      'deleted n/gone',
      'updated n/changed',
      'deleted n/again',
      'added n/again',
      'added n/new',
    ]);
    expect(cache.size).toBe(4);
  });

  test('keeps what could not be read this time', () => {
    const cache = new ObjectCache();
    cache.set(object('odd', '1'));
    expect(cache.replaceAll([], new Set(['n/odd']))).toEqual([]);
    expect(cache.get('n/odd')?.metadata.resourceVersion).toBe('1');
  });

  test('shows the object as it was at its end', () => {
    const cache = new ObjectCache();
    cache.set(object('a', '1'));
    expect(cache.delete('n/a', object('a', '2'))).toMatchObject([
      { object: { metadata: { resourceVersion: '2' } } },
    ]);
    expect(cache.delete('n/a')).toEqual([]);
  });

  test('indexes follow additions, changes and deletions', () => {
    const cache = new ObjectCache();
    cache.set(object('a', '1', 'a', { of: 'x' }));
    cache.addIndex('of', ({ metadata }) => Object.values(metadata.labels ?? {}));
    cache.set(object('b', '1', 'b', { of: 'x', also: 'y' }));
    const names = (value: string): string[] =>
      cache.byIndex('of', value).map(({ metadata }) => metadata.name);
    expect([names('x'), names('y')]).toEqual([['a', 'b'], ['b']]);
    cache.set(object('b', '2', 'b', { of: 'z' }));
    cache.delete('n/a');
    expect([names('x'), names('y'), names('z')]).toEqual([[], [], ['b']]);
    expect(() => cache.byIndex('none', 'x')).toThrow('there is no index none');
  });
});
