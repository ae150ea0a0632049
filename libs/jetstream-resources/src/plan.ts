import { isEmpty } from './canonical';
import { ConsumerLimits } from './complete-consumer';
import { ServerConfig } from './jetstream-info';
import { Desired } from './manifest';
import { keepResumed, metadataOf, ownerOf, PAUSE_KEY, RESET_KEY } from './mark';
import { Policies } from './policies';
import { comparable, ComparedField, FieldChange } from './server-config';

/** What has to be done so that the server holds what is declared. */
export type Plan =
  | { readonly action: 'none' }
  | { readonly action: 'create' }
  | { readonly action: 'update'; readonly fields: readonly string[]; readonly adopts: boolean }
  /** It differs or is missing, and the policies forbid to write. */
  | {
      readonly action: 'observe';
      readonly reason: 'Converged' | 'Drifted';
      readonly fields: readonly string[];
    }
  | { readonly action: 'missing' }
  | {
      readonly action: 'refused';
      readonly reason: 'Conflict' | 'NotAdopted' | 'ImmutableField' | 'Unsupported';
      readonly message: string;
      readonly fields: readonly string[];
    };

export interface PlanContext {
  readonly policies: Policies;
  /** The object has been there before, as our status remembers. */
  readonly previouslySeen?: boolean;
  /** API level of the server, where it matters and is known. */
  readonly level?: number | undefined;
  /** What the consumer's stream says about its consumers. */
  readonly limits?: ConsumerLimits | undefined;
  /** Accepts what the server has chosen for a field that is not declared. */
  readonly accepts?: (field: ComparedField, held: string | undefined) => boolean;
}

/**
 * Compares what is declared with what the server holds. Pure; writes follow only from its answer.
 *
 * @param observed the server's configuration; undefined when there is no such object
 */
export function plan(
  desired: Desired,
  observed: ServerConfig | undefined,
  context: PlanContext = { policies: desired.policies },
): Plan {
  const { managementPolicy, adoptionPolicy, recreatePolicy } = context.policies;
  const mayWrite = managementPolicy === 'Enforce';
  if (observed === undefined) {
    if (managementPolicy === 'Observe' || (context.previouslySeen && recreatePolicy === 'Never'))
      return { action: 'missing' };
    return unsupported(desired, context) ?? { action: 'create' };
  }
  const changed = differing(desired, observed, context);
  if (managementPolicy === 'Observe') return observe(changed);
  const owner = ownerOf(observed);
  const foreign = owner !== desired.owner;
  if (owner !== undefined && foreign && adoptionPolicy !== 'Always') {
    return {
      action: 'refused',
      reason: 'Conflict',
      message: `belongs to ${owner}; remove one of the two declarations, or set adoptionPolicy: Always to take it over`,
      fields: [],
    };
  }
  if (owner === undefined && adoptionPolicy === 'Never') {
    return {
      action: 'refused',
      reason: 'NotAdopted',
      message:
        'exists already and has not been made from here; set adoptionPolicy: IfUnowned to take it over',
      fields: [],
    };
  }
  // What was begun by making it again is finished, whatever may be changed later.
  if (!mayWrite && !resetPending(observed)) return observe(changed);
  if (changed.length === 0 && !foreign && !pauseDiffers(desired, observed)) return { action: 'none' };
  return (
    unsupported(desired, context) ??
    immutable(desired, observed, changed) ?? {
      action: 'update',
      adopts: foreign,
      fields: [
        ...changed.map(({ field }) => field),
        ...(foreign ? ['metadata'] : []),
        ...(pauseDiffers(desired, observed) ? ['spec.pauseUntil'] : []),
      ],
    }
  );
}

const observe = (changed: readonly ComparedField[]): Plan => ({
  action: 'observe',
  reason: changed.length === 0 ? 'Converged' : 'Drifted',
  fields: changed.map(({ field }) => field),
});

/** A field that the server is too old for is refused before anything is written: it would drop it without a word. */
function unsupported({ fields, config }: Desired, { level }: PlanContext): Plan | undefined {
  if (level === undefined) return undefined;
  const lacking = fields.flatMap(({ field, server, since }) => {
    const need = since(config[server]);
    return need !== undefined && need.level > level ? [{ field, version: need.version }] : [];
  });
  if (lacking.length === 0) return undefined;
  return {
    action: 'refused',
    reason: 'Unsupported',
    message: `${lacking.map(({ field, version }) => `${field} needs nats-server ${version}`).join(', ')} or newer; upgrade the server or remove ${lacking.length === 1 ? 'it' : 'them'}`,
    fields: lacking.map(({ field }) => field),
  };
}

/** True when some declared value is not in every supported server, so that its level has to be known. */
export const needsLevel = ({ fields, config }: Desired): boolean =>
  fields.some(({ server, since }) => (since(config[server])?.level ?? 0) > 1);

function immutable(
  desired: Desired,
  observed: ServerConfig,
  changed: readonly ComparedField[],
): Plan | undefined {
  const from = desired.complete(observed);
  const to = desired.complete(keepResumed(desired.config, observed));
  const frozen = changed.filter(({ canonical, frozen: cannot, server }) =>
    cannot(canonical(from[server]), canonical(to[server])),
  );
  if (frozen.length === 0) return undefined;
  const changes = frozen.map(
    ({ field, server, canonical, show }) =>
      `${field} from ${show(canonical(from[server]))} to ${show(canonical(to[server]))}`,
  );
  return {
    action: 'refused',
    reason: 'ImmutableField',
    message: `JetStream can't change ${changes.join(', ')}; take the change back, or delete the ${desired.kind.toLowerCase()} so that it is made again`,
    fields: frozen.map(({ field }) => field),
  };
}

/** Fields in which the server's configuration is not what is declared. */
export function differences(
  desired: Desired,
  observed: ServerConfig,
  context: Partial<PlanContext> = {},
): string[] {
  return differing(desired, observed, context).map(({ field }) => field);
}

export function differing(
  desired: Desired,
  observed: ServerConfig,
  { limits, accepts = () => false }: Partial<PlanContext>,
): ComparedField[] {
  const declared = keepResumed(desired.config, observed);
  const wanted = desired.complete(declared, limits);
  const held = desired.complete(observed, limits);
  return desired.fields.filter((field) => {
    if (desired.inherited.includes(field.server)) return false;
    const is = comparable(field, held);
    if (is === comparable(field, wanted)) return false;
    return field.server in declared || !accepts(field, is);
  });
}

const resetPending = (observed: ServerConfig): boolean => metadataOf(observed, RESET_KEY) !== undefined;

/**
 * The pause noted by us is not the one declared, or the declared one is not the one held; or a consumer that was made again
 * has still to be moved behind its ack floor, and is paused for that.
 */
export function pauseDiffers(desired: Desired, observed: ServerConfig): boolean {
  if (desired.consumer === undefined) return false;
  if (resetPending(observed)) return true;
  if (metadataOf(observed, PAUSE_KEY) !== desired.pauseUntil) return true;
  return desired.pauseUntil !== undefined && !sameInstant(observed['pause_until'], desired.pauseUntil);
}

/** True when two points in time are the same, whatever their zone; an absent one is only the same as an absent one. */
export function sameInstant(a: unknown, b: unknown): boolean {
  if (isEmpty(a) || isEmpty(b)) return isEmpty(a) && isEmpty(b);
  return new Date(String(a)).getTime() === new Date(String(b)).getTime();
}

/** What is held and what is declared, for the fields of a comparison. */
export function changesOf(desired: Desired, observed: ServerConfig, names: readonly string[]): FieldChange[] {
  const held = desired.complete(observed);
  const declared = desired.complete(keepResumed(desired.config, observed));
  return names.map((name): FieldChange => {
    const field = desired.fields.find((candidate) => candidate.field === name);
    if (field === undefined)
      return OTHER[name]?.(desired, observed) ?? { field: name, held: '', declared: '' };
    const { canonical, show, server } = field;
    return { field: name, held: show(canonical(held[server])), declared: show(canonical(declared[server])) };
  });
}

/** What is compared beside the fields. */
const OTHER: Readonly<Record<string, (desired: Desired, observed: ServerConfig) => FieldChange>> = {
  metadata: ({ owner }, observed) => ({
    field: 'metadata',
    held: `owner ${ownerOf(observed) ?? 'nobody'}`,
    declared: `owner ${owner}`,
  }),
  'spec.pauseUntil': ({ pauseUntil }, observed) => ({
    field: 'spec.pauseUntil',
    held: isEmpty(observed['pause_until']) ? 'unset' : String(observed['pause_until']),
    declared: pauseUntil ?? 'unset',
  }),
};
