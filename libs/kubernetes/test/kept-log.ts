import { RuntimeLog } from '../src/log';

/** Keeps what is logged, as lines. */
export function keptLog(): RuntimeLog & { lines: string[] } {
  const lines: string[] = [];
  const keep =
    (level: string) =>
    (fields: object, message: string): void => {
      lines.push(`${level}: ${message} ${JSON.stringify(fields)}`);
    };
  return { lines, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}
