/** RFC 9457 problem types of the HTTP API. */
export const PROBLEMS = {
  invalid: { status: 422, title: 'The request does not fit its schema' },
  'malformed-json': { status: 400, title: 'The body is not JSON' },
  'unsupported-media-type': { status: 415, title: 'The body must be application/json' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'idempotency-key-reused': { status: 422, title: 'The idempotency key was used for another request' },
  'not-found': { status: 404, title: 'There is no such resource' },
  'order-not-found': { status: 404, title: 'There is no such order' },
  conflict: { status: 409, title: 'The order can no longer do that' },
  'precondition-failed': { status: 412, title: 'The order has changed' },
  overloaded: { status: 503, title: 'Too many requests are waiting' },
  unavailable: { status: 503, title: 'A dependency is away; the request can be repeated with the same key' },
  'position-not-reached': { status: 503, title: 'The read model has not reached the position yet' },
  internal: { status: 500, title: 'The server made a mistake' },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** One fault of the request: where, as a JSON pointer (RFC 6901), and what. */
export interface Fault {
  pointer: string;
  detail: string;
}

/** Body of `application/problem+json`. */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  detail?: string;
  instance?: string;
  errors?: Fault[];
}

export const problemType = (code: ProblemCode): string => `https://headwater.dev/problems/${code}`;
