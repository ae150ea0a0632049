import type { Convergence } from '@headwater/jetstream-resources';
import { conditionOf } from '@headwater/kubernetes';
import { ANNOTATIONS, type Asset } from './asset';
import { conditionsOf, statusOf } from './asset-status';

/**
 * What is to be said of a stream that is not the one it was: it has been deleted and made again, by us or by others, and
 * what it held is gone. Said until a person acknowledges it by annotation; undefined when there is nothing to say.
 */
export function recreatedMessage({ kind, resource }: Asset, { observed }: Convergence): string | undefined {
  if (kind !== 'Stream' || !observed) return undefined;
  const { created: before } = statusOf(resource);
  const acknowledged = resource.metadata.annotations?.[ANNOTATIONS.acknowledgeRecreated];
  if (before !== undefined && before !== observed.created) {
    return `the stream of ${before} was deleted and made again at ${observed.created}: it holds nothing from before; acknowledge by annotation ${ANNOTATIONS.acknowledgeRecreated}=${observed.created}`;
  }
  return acknowledged === observed.created
    ? undefined
    : conditionOf(conditionsOf(resource), 'Recreated')?.message;
}
