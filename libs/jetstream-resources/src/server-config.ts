import { isEmpty, stable } from './canonical';
import { formatDuration, parseDuration } from './duration';
import { FieldTable, ServerNeed } from './field';
import { ServerConfig } from './jetstream-info';

/** What is needed to compare one field, whatever kind it belongs to. */
export interface ComparedField {
  /** Path in the manifest, `spec.maxAge`. */
  readonly field: string;
  readonly server: string;
  readonly canonical: (value: unknown) => unknown;
  readonly frozen: (from: unknown, to: unknown) => boolean;
  readonly since: (value: unknown) => ServerNeed | undefined;
  /** A value of the server's as people read it. */
  readonly show: (value: unknown) => string;
}

/** The configuration that a spec stands for: declared values as the server holds them, and nothing else. */
export function toConfig(
  table: FieldTable,
  spec: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const [name, { server, encode }] of Object.entries(table)) {
    const value = spec[name];
    if (value !== undefined && value !== null) config[server] = encode ? encode(value) : value;
  }
  return config;
}

/** The fields to compare. One that the table does not know, of a newer server, is left alone. */
export function comparedFields(table: FieldTable): ComparedField[] {
  return Object.entries(table).map(([name, { server, unset, canonical, frozen, since, encode }]) => ({
    field: `spec.${name}`,
    server,
    canonical: (value) => {
      const given = isEmpty(value) ? unset : value;
      return canonical ? canonical(given) : given;
    },
    frozen: frozen ?? (() => false),
    since: since ?? (() => undefined),
    show: (value) =>
      isEmpty(value)
        ? 'unset'
        : encode === parseDuration && typeof value === 'number'
          ? formatDuration(value)
          : JSON.stringify(value),
  }));
}

/** The comparable form of one field of a completed configuration; undefined is the server's default. */
export function comparable({ server, canonical }: ComparedField, config: ServerConfig): string | undefined {
  const value = canonical(config[server]);
  return isEmpty(value) ? undefined : stable(value);
}

/** One field that is not as declared, its values as people read them. */
export interface FieldChange {
  /** Path in the manifest. */
  readonly field: string;
  readonly held: string;
  readonly declared: string;
}
