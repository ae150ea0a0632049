import { z } from 'zod';

/** What a server must be to know a field: its version, and the API level by which it is told apart. */
export interface ServerNeed {
  readonly version: string;
  readonly level: number;
}

export const SINCE = {
  '2.11': { version: '2.11', level: 1 },
  '2.12': { version: '2.12', level: 2 },
  '2.14': { version: '2.14', level: 4 },
} as const satisfies Record<string, ServerNeed>;

/**
 * One field of a spec: what values it takes, what it means, and what it is in the server's configuration. Types, checks,
 * custom resource definition, reference page and mapping follow from it; without `server` it does not compile.
 */
export interface Field<Type extends z.ZodType> {
  readonly type: Type;
  /** One or two sentences for the reference page and `kubectl explain`. */
  readonly description: string;
  /** Name in the server's configuration. */
  readonly server: string;
  /** The declared value as the server holds it; as it is, when absent. */
  encode?(value: z.output<Type>): unknown;
  /** What the server holds when the field is not declared; empty, when absent. */
  readonly unset?: unknown;
  /** A form of the server's value in which equal meanings are equal; for lists without order and the like. */
  readonly canonical?: (value: unknown) => unknown;
  /** True when the server can't make this change of its value; the object would have to be deleted and made again. */
  readonly frozen?: (from: unknown, to: unknown) => boolean;
  /** What the server must be for this value, as the server holds it; fields without it are in 2.11 too. */
  readonly since?: (value: unknown) => ServerNeed | undefined;
}

/** A field that every manifest has. */
export interface RequiredField<Type extends z.ZodType> extends Field<Type> {
  readonly required: true;
}

/** A field that tells the controller what to do and is no part of the server's configuration. */
export interface OwnField<Type extends z.ZodType> {
  readonly type: Type;
  readonly description: string;
  readonly required?: true;
}

export type AnyField = Field<z.ZodType> & { readonly required?: true };
/** Fields of a spec that are sent to the server. */
export type FieldTable = Readonly<Record<string, AnyField>>;
/** Fields of a spec that are not. */
export type OwnFieldTable = Readonly<Record<string, OwnField<z.ZodType>>>;
type AnyTable = Readonly<Record<string, { readonly type: z.ZodType; readonly required?: true }>>;

type RequiredName<Table extends AnyTable> = {
  [Name in keyof Table]: Table[Name] extends { readonly required: true } ? Name : never;
}[keyof Table];

/** The type of a spec with the fields of a table. */
export type SpecOf<Table extends AnyTable> = {
  [Name in RequiredName<Table>]: z.output<Table[Name]['type']>;
} & { [Name in Exclude<keyof Table, RequiredName<Table>>]?: z.output<Table[Name]['type']> | undefined };

type Shape<Table extends AnyTable> = {
  [Name in keyof Table]: Name extends RequiredName<Table>
    ? Table[Name]['type']
    : z.ZodOptional<Table[Name]['type']>;
};

/** The check of a spec with the fields of a table; other fields are refused. */
export function specSchema<const Table extends AnyTable>(
  table: Table,
): z.ZodObject<Shape<Table>, z.core.$strict> {
  const shape = Object.fromEntries(
    Object.entries(table).map(([name, { type, required }]) => [name, required ? type : type.optional()]),
  );
  // Object.fromEntries forgets which name has which type.
  return z.strictObject(shape as Shape<Table>);
}

/** Keeps the value's type from the schema to the mapping. */
export function field<Type extends z.ZodType>(definition: Field<Type>): Field<Type> {
  return definition;
}
export function requiredField<Type extends z.ZodType>(definition: Field<Type>): RequiredField<Type> {
  return { ...definition, required: true };
}
