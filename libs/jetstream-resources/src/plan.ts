import { comparable, ServerConfig } from './field-mapping';
import { Desired } from './manifest';
import { OWNER_KEY } from './spec-types';

/** What has to be done so that the server holds what is declared. */
export type Plan =
  | { readonly action: 'none' }
  | { readonly action: 'create' }
  | { readonly action: 'update'; readonly fields: readonly string[] }
  | { readonly action: 'refused'; readonly reason: string; readonly fields: readonly string[] };

/**
 * Compares what is declared with what the server holds. Pure; writes follow only from its answer.
 *
 * @param observed the server's configuration; undefined when there is no such object
 */
export function plan(desired: Desired, observed: ServerConfig | undefined): Plan {
  if (observed === undefined) return { action: 'create' };
  const owner = ownerOf(observed);
  if (owner !== undefined && owner !== desired.owner) {
    return { action: 'refused', reason: `belongs to ${owner}`, fields: [] };
  }
  const changed = differing(desired, observed);
  if (changed.length === 0) return { action: 'none' };
  const frozen = changed.filter(({ canonical, frozen: cannot, server }) =>
    cannot(canonical(observed[server]), canonical(desired.config[server])),
  );
  if (frozen.length > 0) {
    const changes = frozen.map(
      ({ field, server }) => `${field} from ${show(observed[server])} to ${show(desired.config[server])}`,
    );
    return {
      action: 'refused',
      reason: `can't be changed in place: ${changes.join(', ')}`,
      fields: frozen.map(({ field }) => field),
    };
  }
  return { action: 'update', fields: changed.map(({ field }) => field) };
}

/** Fields in which the server's configuration is not what is declared. */
export function differences(desired: Desired, observed: ServerConfig): string[] {
  return differing(desired, observed).map(({ field }) => field);
}

function differing(desired: Desired, observed: ServerConfig): Desired['fields'][number][] {
  return desired.fields.filter((field) => comparable(field, desired.config) !== comparable(field, observed));
}

/** Whose an object is; undefined when nobody has marked it. */
function ownerOf(observed: ServerConfig): string | undefined {
  const { metadata } = observed;
  if (typeof metadata !== 'object' || metadata === null) return undefined;
  const owner: unknown = Object.entries(metadata).find(([key]) => key === OWNER_KEY)?.[1];
  return typeof owner === 'string' ? owner : undefined;
}

const show = (value: unknown): string => (value === undefined ? 'unset' : JSON.stringify(value));
