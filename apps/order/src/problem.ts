import { Fault, ProblemCode, ProblemDetails, PROBLEMS, problemType } from '@headwater/contracts';
import { z } from 'zod';

/** What an HTTP request ends with when it can't be done; becomes an RFC 9457 body in the exception filter. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly extra: { faults?: Fault[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(detail, { cause: extra.cause });
  }

  toBody(instance: string): ProblemDetails {
    const { status, title } = PROBLEMS[this.code];
    const { faults } = this.extra;
    return {
      type: problemType(this.code),
      title,
      status,
      detail: this.detail,
      instance,
      ...(faults ? { errors: faults } : {}),
    };
  }
}

const escapePointer = (part: PropertyKey): string => String(part).replaceAll('~', '~0').replaceAll('/', '~1');

/** Every fault of a zod error with its JSON pointer; an unknown field is named itself. */
export function faultsOf(error: z.ZodError): Fault[] {
  return error.issues.flatMap((issue): Fault[] => {
    const pointer = issue.path.map((part) => `/${escapePointer(part)}`).join('');
    if (issue.code !== 'unrecognized_keys') return [{ pointer, detail: issue.message }];
    return issue.keys.map((key) => ({
      pointer: `${pointer}/${escapePointer(key)}`,
      detail: 'is not a known field',
    }));
  });
}

/** @throws Problem `invalid` with every fault */
export function parseOrRefuse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = faultsOf(result.error);
  throw new Problem('invalid', `${what} has ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`, {
    faults,
  });
}

export const orderNotFound = (id: string): Problem =>
  new Problem('order-not-found', `there is no order ${JSON.stringify(id)}`);
