import type { KubernetesObject } from '@headwater/kubernetes';
import { assetOf, type AssetKind, isReadable } from './asset';

/**
 * Of several resources for one object of JetStream the oldest has it; of the same second, the one whose uid sorts first,
 * so that every replica at every time says the same. Those that only observe claim nothing.
 */
export function holderOf<T extends KubernetesObject>(kind: AssetKind, rivals: readonly T[]): T | undefined {
  return rivals
    .filter((resource) => {
      const asset = assetOf(kind, resource);
      return isReadable(asset) && asset.policies.managementPolicy !== 'Observe';
    })
    .reduce<T | undefined>((oldest, next) => (oldest && !isOlder(next, oldest) ? oldest : next), undefined);
}

function isOlder({ metadata: a }: KubernetesObject, { metadata: b }: KubernetesObject): boolean {
  const [ageA, ageB] = [Date.parse(a.creationTimestamp ?? ''), Date.parse(b.creationTimestamp ?? '')];
  return ageA === ageB ? (a.uid ?? '') < (b.uid ?? '') : ageA < ageB;
}
