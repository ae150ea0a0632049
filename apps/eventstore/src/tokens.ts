/** Injection tokens of what the process brings along. */
export const CONFIG = Symbol('configuration');
export const PROCESS = Symbol('process');
