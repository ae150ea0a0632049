import type { Convergence } from '@headwater/jetstream-resources';
import type { Asset } from './asset';
import type { AssetWorld } from './asset-world';
import { statusOf, wasSynced } from './asset-status';

/**
 * Records what a pass has done as an event of the resource, and drift as a metric. A difference is drift when the same
 * spec was in place before; else it is an update.
 */
export function announce(
  { kind, resource }: Asset,
  { outcome, reason, message, fields, observed, terminal }: Convergence,
  { recorder, metrics }: Pick<AssetWorld, 'recorder' | 'metrics'>,
): void {
  const drift = wasSynced(resource);
  const before = statusOf(resource).created;
  switch (outcome) {
    case 'created':
      if (before === undefined) {
        recorder.event(resource, { type: 'Normal', reason: 'Created', action: 'Create', note: message });
        return;
      }
      metrics.drift.inc({ kind, field: 'deleted' });
      recorder.event(resource, {
        type: 'Warning',
        reason: 'Recreated',
        action: 'Create',
        note: `was deleted by somebody else and is made again at ${observed?.created ?? 'an unknown time'}${kind === 'Stream' ? ', empty' : ''}`,
      });
      return;
    case 'updated':
      if (drift) for (const field of fields) metrics.drift.inc({ kind, field });
      recorder.event(resource, {
        type: 'Normal',
        reason: drift ? 'DriftRepaired' : reason,
        action: 'Update',
        note: drift ? `was changed by somebody else and is as declared again: ${fields.join(', ')}` : message,
      });
      return;
    case 'refused':
      recorder.event(resource, {
        type: 'Warning',
        reason,
        action: terminal ? 'GiveUp' : 'Retry',
        note: message,
      });
      return;
    case 'unchanged':
    case 'observed':
    case 'missing':
    case 'waiting':
      return;
  }
}
