import { Queryable } from '@headwater/sql';
import { COLUMNS, KEYS, RawRow, SELECTION, toOrderRow } from './columns';
import { OrderRow } from './order-row';
import { ACTIVE, OrderTable } from './order-table';

const columns = KEYS.map((key) => COLUMNS[key].column);

const save = ({ table }: OrderTable): { name: string; text: string } => ({
  name: `save-${table}`,
  text: `
    INSERT INTO ${table} (${columns.join(', ')})
    SELECT * FROM unnest(${KEYS.map((key, index) => `$${index + 1}::${COLUMNS[key].type}`).join(', ')})
    ON CONFLICT (order_id) DO UPDATE SET
      ${columns
        .filter((column) => column !== 'order_id')
        .map((column) => `${column} = excluded.${column}`)
        .join(', ')}`,
});

/** Writes whole rows, new or known; at most one a order. One statement for any number of rows. */
export async function saveOrders(
  client: Queryable,
  rows: readonly OrderRow[],
  of: OrderTable = ACTIVE,
): Promise<void> {
  if (rows.length === 0) return;
  await client.query({ ...save(of), values: KEYS.map((key) => rows.map((row) => row[key])) });
}

const load = ({ table }: OrderTable): { name: string; text: string } => ({
  name: `load-${table}`,
  text: `SELECT ${SELECTION} FROM ${table} WHERE order_id = ANY($1::text[])`,
});

/** The rows of these orders; orders that are not there are left out. */
export async function loadOrders(
  client: Queryable,
  orderIds: readonly string[],
  of: OrderTable = ACTIVE,
): Promise<OrderRow[]> {
  if (orderIds.length === 0) return [];
  const { rows } = await client.query<RawRow>({ ...load(of), values: [orderIds] });
  return rows.map(toOrderRow);
}
