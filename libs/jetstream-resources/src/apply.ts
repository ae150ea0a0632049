import type { NatsConnection } from '@nats-io/transport-node';
import { converge, read } from './converge';
import { Convergence, ConvergenceReason } from './convergence';
import { JetStreamApi } from './jetstream-api';
import { ConsumerInfo, ServerConfig, StreamInfo } from './jetstream-info';
import { JetStreamRefusal } from './jetstream-refusal';
import { Desired, desiredOf, Manifest, titleOf } from './manifest';
import { changesOf } from './plan';
import { ackFloorOf, Known } from './resume';
import { FieldChange } from './server-config';

/** What has become of one manifest. */
export interface Applied {
  readonly kind: Manifest['kind'];
  /** `ORDERS`, or `ORDERS/payment-worker` for a consumer. */
  readonly name: string;
  readonly outcome: Convergence['outcome'];
  /** Fields that were changed, that differ, or that are refused, as paths in the manifest. */
  readonly fields: readonly string[];
  /** What was held before, and what is declared. */
  readonly changes: readonly FieldChange[];
  /** A sentence, where the outcome does not say everything. */
  readonly reason?: string;
  readonly code: ConvergenceReason;
}

export interface ApplyOptions {
  /** Mark of whose the objects are; those of another owner are not touched. */
  owner?: string;
  /** Says what would be done and does nothing. */
  dryRun?: boolean;
  /** Milliseconds to wait for each answer. */
  timeoutMs?: number;
  /** What was seen of the objects in earlier passes; is brought up to date. */
  memory?: Memory;
}

/** What earlier passes have seen, by title. */
export type Memory = Map<string, Known>;

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
  { owner = DEFAULT_OWNER, dryRun = false, timeoutMs = 5000, memory = new Map() }: ApplyOptions = {},
): Promise<Applied[]> {
  const api = new JetStreamApi(connection, { timeoutMs });
  const desired = manifests.map((manifest) => desiredOf(manifest, owner));
  const inOrder = [
    ...desired.filter(({ kind }) => kind === 'Stream'),
    ...desired.filter(({ kind }) => kind === 'Consumer'),
  ];
  const results: Applied[] = [];
  for (const object of inOrder) {
    const known = memory.get(titleOf(object));
    const before = await look(api, object);
    const result = await converge(api, object, {
      dryRun,
      ...(before === undefined ? {} : { observed: before }),
      previouslySeen: known !== undefined,
      ...(known === undefined ? {} : { known }),
    });
    if (!dryRun) remember(memory, object, result);
    results.push(appliedOf(object, result, before?.config));
  }
  return results;
}

function appliedOf(
  object: Desired,
  { outcome, fields, message, reason }: Convergence,
  before: ServerConfig | undefined,
): Applied {
  const says =
    outcome === 'unchanged' || outcome === 'updated' || reason === 'Created' || reason === 'Converged';
  return {
    kind: object.kind,
    name: object.consumer === undefined ? object.stream : `${object.stream}/${object.consumer}`,
    outcome,
    fields,
    code: reason,
    changes: before === undefined ? [] : changesOf(object, before, fields),
    ...(says ? {} : { reason: message }),
  };
}

/** The object as it is, `null` when it is not there; undefined where the server refuses, which the converging tells. */
async function look(
  api: JetStreamApi,
  object: Desired,
): Promise<StreamInfo | ConsumerInfo | null | undefined> {
  try {
    return (await read(api, object)) ?? null;
  } catch (error) {
    if (error instanceof JetStreamRefusal) return undefined;
    throw error;
  }
}

function remember(memory: Memory, object: Desired, { observed }: Convergence): void {
  if (observed === undefined) return;
  if ('state' in observed) {
    memory.set(titleOf(object), { created: observed.created });
    return;
  }
  // The ack floor counts as long as the stream is the one that it was read from.
  const stream = memory.get(`Stream ${object.stream}`)?.created;
  memory.set(titleOf(object), { created: stream, ackFloor: ackFloorOf(observed) });
}
