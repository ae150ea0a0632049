import { canonicalInstant, stable } from './canonical';
import { ServerConfig } from './jetstream-info';
import { OUR_METADATA } from './value-types';

/** Key of the metadata that says whose a stream or consumer is. */
export const OWNER_KEY = `${OUR_METADATA}owner`;
/** Notes the pause that came from a manifest, so that one set by hand can be told from it. */
export const PAUSE_KEY = `${OUR_METADATA}pause-until`;
/** Notes that a consumer was made again to go on behind its ack floor, and how its manifest said it begins. */
export const RESUME_KEY = `${OUR_METADATA}resume`;
/** Notes that a consumer has still to be moved to a sequence before it delivers. */
export const RESET_KEY = `${OUR_METADATA}reset-to`;

/** One of the texts in the metadata of a configuration. */
export function metadataOf(config: ServerConfig, key: string): string | undefined {
  const { metadata } = config;
  if (typeof metadata !== 'object' || metadata === null) return undefined;
  const value: unknown = Object.entries(metadata).find(([name]) => name === key)?.[1];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Whose an object is; undefined when nobody has marked it. */
export const ownerOf = (config: ServerConfig): string | undefined => metadataOf(config, OWNER_KEY);

/** A configuration with other texts in its metadata; undefined takes one away. */
export function withMetadata(
  config: ServerConfig,
  entries: Readonly<Record<string, string | undefined>>,
): Record<string, unknown> {
  const { metadata } = config;
  const merged = { ...(typeof metadata === 'object' ? metadata : {}), ...entries };
  return {
    ...config,
    metadata: Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined)),
  };
}

/** The fields by which a consumer begins somewhere in its stream. */
const START = ['deliver_policy', 'opt_start_seq', 'opt_start_time'] as const;

/** How a configuration says that a consumer begins, in one text. */
export const startOf = (config: ServerConfig): string =>
  stable({
    deliver_policy: config['deliver_policy'] ?? 'all',
    opt_start_seq: config['opt_start_seq'],
    opt_start_time: canonicalInstant(config['opt_start_time']),
  });

/** The configuration of a consumer that goes on at a sequence, with a note of how it would have begun. */
export function resumedAt(config: ServerConfig, sequence: number): Record<string, unknown> {
  return withMetadata(
    { ...config, deliver_policy: 'by_start_sequence', opt_start_seq: sequence, opt_start_time: undefined },
    { [RESUME_KEY]: startOf(config) },
  );
}

/**
 * What is to be sent for a consumer that was made again to go on at a sequence: the same as held for how it begins, which
 * can't be changed, as long as the manifest still says what it said then.
 */
export function keepResumed(config: ServerConfig, held: ServerConfig): ServerConfig {
  const note = metadataOf(held, RESUME_KEY);
  if (note === undefined || note !== startOf(config)) return config;
  return withMetadata(
    { ...config, ...Object.fromEntries(START.map((name) => [name, held[name]])) },
    { [RESUME_KEY]: note },
  );
}
