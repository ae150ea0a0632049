import { SERVER_METADATA, OUR_METADATA } from './value-types';

/** Servers leave out zero values, or write them; both mean the same. */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.values(value).every(isEmpty);
}

/** JSON with sorted keys and without empty members. */
export function stable(value: unknown): string {
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
  Array.isArray(value) ? [...value].sort((a, b) => (stable(a) < stable(b) ? -1 : 1)) : value;

/** Points in time are equal whatever their zone. */
export const canonicalInstant = (value: unknown): unknown =>
  typeof value === 'string' && value !== '' ? new Date(value).toISOString() : value;

/** Members of an object by another canonical form. */
export const withMember =
  (name: string, canonical: (value: unknown) => unknown) =>
  (value: unknown): unknown =>
    typeof value === 'object' && value !== null && name in value
      ? Object.fromEntries(
          Object.entries(value).map(([key, member]) => [key, key === name ? canonical(member) : member]),
        )
      : value;

/** Metadata without what the server or we have added. */
export function declaredMetadata(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(
      ([key]) => !key.startsWith(SERVER_METADATA) && !key.startsWith(OUR_METADATA),
    ),
  );
}

/** A limit of which 0 and less mean "none", which the server writes as −1. */
export const encodeLimit = (value: number): number => (value <= 0 ? -1 : value);
/** The change is refused in both directions. */
export const always = (): boolean => true;
/** Once on, it stays on. */
export const onceTrue = (from: unknown, to: unknown): boolean => from === true && to !== true;
