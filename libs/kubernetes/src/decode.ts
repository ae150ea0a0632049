import { ApiErrorDetails, KubernetesApiError } from './errors';
import { apiVersionOf, KubernetesObject, ResourceType } from './objects';

/** Values that came as JSON. The API server has checked objects against their schema; only their frame is checked here. */

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${what}: the answer is not JSON, it begins "${text.slice(0, 60)}"`, { cause });
  }
}

/**
 * An object of a type. Items of a list lack kind and apiVersion: they are filled in. `managedFields`, half of a small
 * object's bytes, are dropped: nothing here reads them.
 */
export function decodeObject<T extends KubernetesObject>(type: ResourceType, value: unknown): T {
  if (!isRecord(value) || !isRecord(value['metadata']) || typeof value['metadata']['name'] !== 'string') {
    throw new Error(`a ${type.kind} was expected, but what came has no metadata.name`);
  }
  value['apiVersion'] ??= apiVersionOf(type);
  value['kind'] ??= type.kind;
  delete value['metadata']['managedFields'];
  return value as unknown as T;
}

export interface ListPage {
  items: unknown[];
  resourceVersion: string;
  continue: string | undefined;
}

export function decodeList(value: unknown, what: string): ListPage {
  const metadata = isRecord(value) ? value['metadata'] : undefined;
  if (!isRecord(value) || !isRecord(metadata)) throw new Error(`${what}: a list was expected`);
  const { items } = value;
  const { resourceVersion, continue: next } = metadata;
  return {
    items: Array.isArray(items) ? items : [],
    resourceVersion: typeof resourceVersion === 'string' ? resourceVersion : '',
    continue: typeof next === 'string' && next !== '' ? next : undefined,
  };
}

/** The error that a `Status` object, or whatever came instead of one, stands for. */
export function decodeApiError(what: string, httpStatus: number, body: unknown): KubernetesApiError {
  const status = isRecord(body) ? body : {};
  const code = typeof status['code'] === 'number' ? status['code'] : httpStatus;
  const reason = typeof status['reason'] === 'string' && status['reason'] ? status['reason'] : `Http${code}`;
  const said = typeof status['message'] === 'string' && status['message'] ? status['message'] : reason;
  const details: ApiErrorDetails = isRecord(status['details']) ? status['details'] : {};
  const advice = code === 403 ? '; grant this in a Role or ClusterRole bound to that user' : '';
  return new KubernetesApiError(
    `could not ${what}: ${said} (${code} ${reason})${advice}`,
    code,
    reason,
    details,
  );
}
