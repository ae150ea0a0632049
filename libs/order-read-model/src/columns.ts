import { OrderRow } from './order-row';

type SqlArray = 'text[]' | 'int8[]' | 'bool[]';

/** One entry a column: where its value comes from and the array type it travels in. A column left out does not compile. */
export const COLUMNS: { readonly [Key in keyof OrderRow]: { column: string; type: SqlArray } } = {
  orderId: { column: 'order_id', type: 'text[]' },
  customerId: { column: 'customer_id', type: 'text[]' },
  restaurantId: { column: 'restaurant_id', type: 'text[]' },
  status: { column: 'status', type: 'text[]' },
  currency: { column: 'currency', type: 'text[]' },
  amount: { column: 'amount', type: 'int8[]' },
  debited: { column: 'debited', type: 'int8[]' },
  voided: { column: 'voided', type: 'int8[]' },
  voidConfirmed: { column: 'void_confirmed', type: 'bool[]' },
  resolution: { column: 'resolution', type: 'text[]' },
  paymentKey: { column: 'payment_key', type: 'text[]' },
  reason: { column: 'reason', type: 'text[]' },
  voidAttempts: { column: 'void_attempts', type: 'int8[]' },
  items: { column: 'items', type: 'text[]' },
  createdOn: { column: 'created_on', type: 'text[]' },
  version: { column: 'version', type: 'int8[]' },
  position: { column: 'position', type: 'int8[]' },
  createdPosition: { column: 'created_position', type: 'int8[]' },
  updatedOn: { column: 'updated_on', type: 'text[]' },
};

export const KEYS = Object.keys(COLUMNS) as (keyof OrderRow)[];

/** `order_id AS "orderId", …`, so that rows come back with the names of `OrderRow`. */
export const SELECTION = KEYS.map((key) => `${COLUMNS[key].column} AS "${key}"`).join(', ');

/** What the pool gives for a row: INT8 as a checked number. */
export type RawRow = { [Key in keyof OrderRow]: OrderRow[Key] extends bigint ? number : OrderRow[Key] };

/** A row as selected by `SELECTION`. */
export const toOrderRow = (raw: RawRow): OrderRow => ({
  ...raw,
  amount: BigInt(raw.amount),
  debited: BigInt(raw.debited),
  voided: BigInt(raw.voided),
});
