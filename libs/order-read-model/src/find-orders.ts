import { Queryable } from '@headwater/sql';
import { RawRow, SELECTION, toOrderRow } from './columns';
import { OrderRow } from './order-row';

const FIND = { name: 'find-order', text: `SELECT ${SELECTION} FROM orders WHERE order_id = $1` };

export async function findOrder(pool: Queryable, orderId: string): Promise<OrderRow | undefined> {
  const { rows } = await pool.query<RawRow>({ ...FIND, values: [orderId] });
  return rows[0] && toOrderRow(rows[0]);
}

export interface OrderFilter {
  customerId?: string | undefined;
  status?: string | undefined;
  /** Only orders created at a lower position; the last page's lowest. */
  before?: number | undefined;
  limit: number;
}

/** Orders, newest first. Each combination of filters has a text and an index of its own, so none scans the table. */
export async function listOrders(pool: Queryable, filter: OrderFilter): Promise<OrderRow[]> {
  const conditions: [condition: string, value: unknown][] = [
    ...(filter.customerId === undefined ? [] : [['customer_id =', filter.customerId] as [string, unknown]]),
    ...(filter.status === undefined ? [] : [['status =', filter.status] as [string, unknown]]),
    ...(filter.before === undefined ? [] : [['created_position <', filter.before] as [string, unknown]]),
  ];
  const where = conditions.map(([condition], index) => `${condition} $${index + 2}`).join(' AND ');
  const { rows } = await pool.query<RawRow>({
    name: `list-orders:${conditions.map(([condition]) => condition).join()}`,
    text: `SELECT ${SELECTION} FROM orders ${where && `WHERE ${where}`} ORDER BY created_position DESC LIMIT $1`,
    values: [filter.limit, ...conditions.map(([, value]) => value)],
  });
  return rows.map(toOrderRow);
}
