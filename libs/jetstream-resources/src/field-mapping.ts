/** Configuration of a stream or consumer as the server holds it: snake_case names, durations in nanoseconds. */
export type ServerConfig = Readonly<Record<string, unknown>>;

/** How one field of a manifest becomes one field of the server's configuration. */
export interface FieldMapping<Value, Spec> {
  /** Name in the server's configuration. */
  readonly server: string;
  /** The declared value as the server holds it. */
  readonly encode: (value: NonNullable<Value>, spec: Spec) => unknown;
  /** What the server holds when the field is not declared; so turning a field off is a change like any other. */
  readonly unset: (spec: Spec) => unknown;
  /** A form in which equal meanings are equal; for lists without order, and for what the server adds by itself. */
  readonly canonical?: (value: unknown) => unknown;
  /** True when the server can't make this change; an object would have to be deleted and made again. */
  readonly frozen?: (from: unknown, to: unknown) => boolean;
}

/** One mapping per field of a spec: a field without one does not compile. */
export type FieldTable<Spec> = { readonly [Field in keyof Spec]-?: FieldMapping<Spec[Field], Spec> };

/** What is needed to compare one field, whatever kind it belongs to. */
export interface ComparedField {
  /** Path in the manifest, `spec.maxAge`; for what manifests can't say yet, the server's name. */
  readonly field: string;
  readonly server: string;
  readonly canonical: (value: unknown) => unknown;
  readonly frozen: (from: unknown, to: unknown) => boolean;
}

const never = (): boolean => false;
const same = (value: unknown): unknown => value;

/** The full configuration that a spec stands for: declared values and, for all the others, the server's defaults. */
export function toConfig<Spec extends object>(table: FieldTable<Spec>, spec: Spec): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const field of fieldsOf(table)) {
    const mapped = encodeField(table, field, spec);
    if (!isEmpty(mapped)) config[table[field].server] = mapped;
  }
  return config;
}

function encodeField<Spec extends object, Field extends keyof Spec>(
  table: FieldTable<Spec>,
  field: Field,
  spec: Spec,
): unknown {
  const value = spec[field];
  const mapping: FieldMapping<Spec[Field], Spec> = table[field];
  return value === undefined || value === null ? mapping.unset(spec) : mapping.encode(value, spec);
}

/**
 * The fields to compare: those of the table, and those that the server knows and manifests can't declare yet, whose
 * default is "empty". A field that neither knows (of a newer server) is left alone.
 */
export function comparedFields<Spec extends object>(
  table: FieldTable<Spec>,
  undeclarable: readonly string[],
): ComparedField[] {
  return [
    ...fieldsOf(table).map((field) => {
      const { server, canonical = same, frozen = never } = table[field];
      return { field: `spec.${String(field)}`, server, canonical, frozen };
    }),
    ...undeclarable.map((server) => ({ field: server, server, canonical: same, frozen: never })),
  ];
}

function fieldsOf<Spec extends object>(table: FieldTable<Spec>): (keyof Spec)[] {
  const own = (key: string): key is string & keyof Spec => Object.hasOwn(table, key);
  return Object.keys(table).filter(own);
}

/** The comparable form of one field of a configuration: canonical, with everything that means "default" undefined. */
export function comparable({ server, canonical }: ComparedField, config: ServerConfig): string | undefined {
  const value = canonical(config[server]);
  return isEmpty(value) ? undefined : stable(value);
}

/** Servers leave out zero values, or write them; both mean the same. */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.values(value).every(isEmpty);
}

/** JSON with sorted keys and without empty members. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(
      Object.entries(member)
        .filter(([, inner]) => !isEmpty(inner))
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  });
}

/** A list whose order says nothing. */
export const unordered = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(String).sort() : value;

/** Prefix of the metadata that the server writes itself. */
const SERVER_METADATA = '_nats.';

/** Metadata without what the server has added. */
export function declaredMetadata(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith(SERVER_METADATA)));
}

/** A limit of which 0 and less mean "none", which the server writes as −1. */
export const limit = (value: number): number => (value <= 0 ? -1 : value);
/** The change is refused in both directions. */
export const always = (): boolean => true;
/** Once on, it stays on. */
export const onceTrue = (from: unknown, to: unknown): boolean => from === true && to !== true;
