import { isRecord } from './decode';

/** The codes of an error and of what caused it: `ECONNRESET`, `UND_ERR_SOCKET` … */
export function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  for (let at: unknown = error; isRecord(at) && codes.length < 10; at = at['cause']) {
    codes.push(typeof at['code'] === 'string' ? at['code'] : '');
  }
  return codes.filter((code) => code !== '');
}

/** The message of an error; of several addresses that all refused, the first one's, for such an error has none itself. */
export function messageOf(error: unknown): string {
  if (!isRecord(error)) return String(error);
  const { message, errors, name } = error;
  if (typeof message === 'string' && message !== '') return message;
  return Array.isArray(errors) && errors.length > 0 ? messageOf(errors[0]) : String(name);
}
