/** What the API server says about a refusal (`Status.details`). */
export interface ApiErrorDetails {
  name?: string;
  group?: string;
  kind?: string;
  causes?: readonly { field?: string; message?: string; reason?: string }[];
  retryAfterSeconds?: number;
}

/** The API server has answered, with a refusal. */
export class KubernetesApiError extends Error {
  override readonly name = 'KubernetesApiError';

  constructor(
    message: string,
    /** HTTP status, or the code of an error inside a watch. */
    readonly status: number,
    /** The API's own word: `Conflict`, `Forbidden`, `Invalid`, `Expired` … */
    readonly reason: string,
    readonly details: ApiErrorDetails = {},
  ) {
    super(message);
  }
}

/** No answer: the connection could not be made, was lost, or stayed silent for too long. What was sent may have been done. */
export class KubernetesConnectionError extends Error {
  override readonly name = 'KubernetesConnectionError';
}

/** The object has changed since it was read, or exists already: read again and decide again. */
export const isConflict = (error: unknown): error is KubernetesApiError =>
  error instanceof KubernetesApiError && error.status === 409;

export const isNotFound = (error: unknown): error is KubernetesApiError =>
  error instanceof KubernetesApiError && error.status === 404;

export const isForbidden = (error: unknown): error is KubernetesApiError =>
  error instanceof KubernetesApiError && error.status === 403;

/** The resource version is older than what the server remembers: list again. */
export const isExpired = (error: unknown): error is KubernetesApiError =>
  error instanceof KubernetesApiError && error.status === 410;
