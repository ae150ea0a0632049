/** Where one version of the read model lives. Names are written into SQL as they are, so only from code. */
export interface OrderTable {
  /** Table of its rows. */
  table: string;
  /** Its row in `projections`: checkpoint and lease. */
  projection: string;
}

/** The version that the order API reads. Its table is always called so; another version takes the name over. */
export const ACTIVE: OrderTable = { table: 'orders', projection: 'orders' };

/** A version beside the active one. */
export const beside = (version: number): OrderTable => ({
  table: `orders_v${version}`,
  projection: `orders@${version}`,
});
