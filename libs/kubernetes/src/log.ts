/** What the runtime needs of a logger; pino's loggers have this shape. */
export interface RuntimeLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const ignore = (): void => undefined;

export const silentLog: RuntimeLog = { debug: ignore, info: ignore, warn: ignore, error: ignore };
