import { z } from 'zod';

/** One entry of the event catalogue. Type, decoder, subject and reference page follow from it. */
export interface EventDefinition<Type extends string = string, Schema extends z.ZodType = z.ZodType> {
  type: Type;
  /** Version of `schema`; producers write it into the metadata. A shipped payload never changes. */
  version: number;
  schema: Schema;
  /** One sentence: what has happened, and who says so. */
  summary: string;
  /** `upcasters[n]` turns data of version n into data of version n + 1. */
  upcasters: Readonly<Record<number, (data: unknown, context: UpcastContext) => unknown>>;
}

/** What an upcaster may need beside the old data. */
export interface UpcastContext {
  aggregateId: string;
  /** Currency of amounts written before events named one. */
  defaultCurrency: string;
}

export function defineEvent<const Type extends string, Schema extends z.ZodType>(
  definition: EventDefinition<Type, Schema>,
): EventDefinition<Type, Schema> {
  for (let version = 0; version < definition.version; version++) {
    if (!definition.upcasters[version])
      throw new Error(`${definition.type} has no upcaster from version ${version}`);
  }
  return definition;
}

/** An event whose data can't be read: unknown type, unknown version, no JSON, or not of the schema. Never transient. */
export class UndecodableEvent extends Error {
  override readonly name = 'UndecodableEvent';
}

/** Data of any shipped version, brought up to date and checked. */
export function decodeData<Schema extends z.ZodType>(
  definition: EventDefinition<string, Schema>,
  data: string,
  version: number,
  context: UpcastContext,
): z.infer<Schema> {
  const where = `${definition.type} (schema version ${version}) of ${context.aggregateId}`;
  if (version > definition.version) {
    throw new UndecodableEvent(
      `${where} is newer than version ${definition.version}, the newest this program knows`,
    );
  }
  let value: unknown;
  try {
    value = data === '' ? {} : JSON.parse(data);
  } catch (cause) {
    throw new UndecodableEvent(`${where} has data that is not JSON`, { cause });
  }
  try {
    for (let from = version; from < definition.version; from++)
      value = definition.upcasters[from]?.(value, context);
  } catch (cause) {
    throw new UndecodableEvent(`${where} can't be brought from version ${version} to ${definition.version}`, {
      cause,
    });
  }
  const result = definition.schema.safeParse(value);
  if (!result.success) {
    throw new UndecodableEvent(`${where} does not fit its schema: ${z.prettifyError(result.error)}`, {
      cause: result.error,
    });
  }
  return result.data;
}
