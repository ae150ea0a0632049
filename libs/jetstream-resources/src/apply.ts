import type { NatsConnection } from '@nats-io/transport-node';
import { JetStreamApi, JetStreamRefusal, StreamMissing } from './jetstream-api';
import { Desired, desiredOf, Manifest } from './manifest';
import { differences, plan } from './plan';

/** What has become of one manifest. */
export interface Applied {
  readonly kind: Manifest['kind'];
  /** `ORDERS`, or `ORDERS/payment-worker` for a consumer. */
  readonly name: string;
  /** `refused`: it can't be made so, see `reason`. `waiting`: the consumer's stream is missing. */
  readonly outcome: 'unchanged' | 'created' | 'updated' | 'refused' | 'waiting';
  /** Fields that were changed or refused, as paths in the manifest. */
  readonly fields: readonly string[];
  readonly reason?: string;
}

export interface ApplyOptions {
  /** Mark of whose the objects are; those of another owner are not touched. */
  owner?: string;
  /** Says what would be done and does nothing. */
  dryRun?: boolean;
  /** Milliseconds to wait for each answer. */
  timeoutMs?: number;
}

export const DEFAULT_OWNER = 'headwater';

/**
 * Makes the server hold what is declared, streams before consumers, and writes nothing where nothing differs. What can't
 * be made so is reported, and the others go on.
 *
 * @throws when the server can't be reached; what was applied until then stays
 */
export async function apply(
  connection: NatsConnection,
  manifests: readonly Manifest[],
  { owner = DEFAULT_OWNER, dryRun = false, timeoutMs = 5000 }: ApplyOptions = {},
): Promise<Applied[]> {
  const api = new JetStreamApi(connection, timeoutMs);
  const desired = manifests.map((manifest) => desiredOf(manifest, owner));
  const inOrder = [
    ...desired.filter(({ kind }) => kind === 'Stream'),
    ...desired.filter(({ kind }) => kind === 'Consumer'),
  ];
  const results: Applied[] = [];
  for (const object of inOrder) results.push(await applyOne(api, object, dryRun));
  return results;
}

async function applyOne(api: JetStreamApi, desired: Desired, dryRun: boolean): Promise<Applied> {
  const result = (outcome: Applied['outcome'], fields: readonly string[] = [], reason?: string): Applied => ({
    kind: desired.kind,
    name: desired.consumer === undefined ? desired.stream : `${desired.stream}/${desired.consumer}`,
    outcome,
    fields,
    ...(reason === undefined ? {} : { reason }),
  });
  try {
    const planned = plan(desired, await api.observe(desired));
    switch (planned.action) {
      case 'none':
        return result('unchanged');
      case 'refused':
        return result('refused', planned.fields, planned.reason);
      case 'create':
      case 'update': {
        if (dryRun)
          return result(
            planned.action === 'create' ? 'created' : 'updated',
            planned.action === 'create' ? [] : planned.fields,
          );
        const held = await api.write(desired, planned.action);
        // Servers drop fields that they do not know without a word. But a server that was restarted answers its first
        // update of a consumer with what it had before, so a difference counts once it has been looked up.
        const answered = differences(desired, held);
        const dropped =
          answered.length === 0 ? answered : differences(desired, (await api.observe(desired)) ?? held);
        if (dropped.length > 0)
          return result('refused', dropped, `the server did not take ${dropped.join(', ')}; is it too old?`);
        return planned.action === 'create' ? result('created') : result('updated', planned.fields);
      }
    }
  } catch (error) {
    if (error instanceof StreamMissing) return result('waiting', [], error.message);
    if (error instanceof JetStreamRefusal) return result('refused', [], error.message);
    throw error;
  }
}
