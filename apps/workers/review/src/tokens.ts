/** Currency of events that were written before events named one. */
export const DEFAULT_CURRENCY = Symbol('default currency');
