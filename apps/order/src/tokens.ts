/** What the module provides that has no class of its own. */
export const DATABASE = Symbol('pool of the order read model, read only');
export const ORDER_CONFIG = Symbol('configuration of the order API');
