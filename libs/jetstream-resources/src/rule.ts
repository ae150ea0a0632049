/**
 * A rule between fields, told once for the API server (`cel`, with `self` the spec) and once for everybody else (`holds`);
 * both are tested against each other.
 */
export interface Rule<Spec> {
  readonly cel: string;
  /** A sentence that says what to do. */
  readonly message: string;
  /** The field that the fault is reported at. */
  readonly field: string;
  readonly holds: (spec: Spec) => boolean;
}

/** A rule between a spec and the one before it; `oldSelf` in CEL. */
export interface TransitionRule<Spec> {
  readonly cel: string;
  readonly message: string;
  readonly field: string;
  readonly holds: (spec: Spec, before: Spec) => boolean;
}

interface Faults {
  addIssue(issue: { code: 'custom'; message: string; path: PropertyKey[] }): void;
}

/** Reports each rule that does not hold at its field. */
export function report<Spec>(rules: readonly Rule<Spec>[], spec: Spec, faults: Faults): void {
  for (const { field, message, holds } of rules) {
    if (!holds(spec)) faults.addIssue({ code: 'custom', message, path: [field] });
  }
}

/** Both, neither or one of two fields may be given, but not both. */
export function excludes<Spec>(
  field: keyof Spec & string,
  other: keyof Spec & string,
  message: string,
): Rule<Spec> {
  return {
    field,
    message,
    cel: `!(has(self.${field}) && has(self.${other}))`,
    holds: (spec) => spec[field] === undefined || spec[other] === undefined,
  };
}

/** A field stays as it is; not given means the fallback. `fallback` is written as in CEL and JavaScript alike. */
export function immutable<Spec>(
  field: keyof Spec & string,
  fallback: string | number | boolean | undefined,
  message: string,
): TransitionRule<Spec> {
  const value = (self: string): string =>
    fallback === undefined
      ? `${self}.${field}`
      : `(has(${self}.${field}) ? ${self}.${field} : ${typeof fallback === 'string' ? `'${fallback}'` : fallback})`;
  return {
    field,
    message,
    cel: `${value('self')} == ${value('oldSelf')}`,
    holds: (spec, before) => (spec[field] ?? fallback) === (before[field] ?? fallback),
  };
}

/** A field is given or not, and stays so. */
export function unchanged<Spec>(field: keyof Spec & string, message: string): TransitionRule<Spec> {
  return {
    field,
    message,
    cel:
      `has(self.${field}) == has(oldSelf.${field}) && ` +
      `(!has(self.${field}) || self.${field} == oldSelf.${field})`,
    holds: (spec, before) => JSON.stringify(spec[field]) === JSON.stringify(before[field]),
  };
}

/** A switch that can be turned on and never off again. */
export function staysOn<Spec>(field: keyof Spec & string, message: string): TransitionRule<Spec> {
  const on = (self: string): string => `(has(${self}.${field}) && ${self}.${field})`;
  return {
    field,
    message,
    cel: `!${on('oldSelf')} || ${on('self')}`,
    holds: (spec, before) => before[field] !== true || spec[field] === true,
  };
}
