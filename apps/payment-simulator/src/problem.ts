import { Fault, ProblemCode, ProblemDetails, PROBLEMS, problemType } from '@headwater/contracts';
import { z } from 'zod';

/** A request that is answered with problem details (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly code: ProblemCode,
    detail: string,
    readonly faults: Fault[] = [],
  ) {
    super(detail);
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  body(): ProblemDetails {
    return {
      type: problemType(this.code),
      title: PROBLEMS[this.code].title,
      status: this.status,
      detail: this.message,
      ...(this.faults.length > 0 ? { errors: this.faults } : {}),
    };
  }
}

/** @throws Problem naming every fault by JSON pointer */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part).replace(/~/g, '~0').replace(/\//g, '~1')}`).join(''),
    detail: message,
  }));
  throw new Problem('invalid', 'the request does not fit its schema', faults);
}
