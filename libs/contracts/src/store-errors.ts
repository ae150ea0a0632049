/** Reasons in the ErrorInfo of the event store's gRPC errors. */
export const STORE_REASONS = {
  versionConflict: 'VERSION_CONFLICT',
  idClash: 'EVENT_ID_CLASH',
  invalid: 'INVALID_ARGUMENT',
  unknownLog: 'UNKNOWN_LOG',
  overloaded: 'OVERLOADED',
  unavailable: 'UNAVAILABLE',
  /** Appends to the log are refused until it is repaired. */
  logRefused: 'LOG_REFUSED',
} as const;

export type StoreReason = (typeof STORE_REASONS)[keyof typeof STORE_REASONS];

/** Domain of those ErrorInfos. */
export const STORE_ERROR_DOMAIN = 'eventstore.headwater.dev';
