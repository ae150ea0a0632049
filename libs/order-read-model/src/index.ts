export {
  advanceCheckpoint,
  CheckpointLost,
  lockCheckpoint,
  type ProjectionState,
  readCheckpoint,
  recordStop,
} from './checkpoint';
export { findOrder, listOrders, type OrderFilter } from './find-orders';
export { ORDER_READ_MODEL_MIGRATIONS } from './migrations';
export { type OrderRow } from './order-row';
export { ACTIVE, beside, type OrderTable } from './order-table';
export { findPark, type ParkRequest, requestPark } from './parked';
export { loadOrders, saveOrders } from './save-orders';
export { promoteVersion, rollBackVersion, type Switched } from './switch-version';
export {
  beginVersion,
  type ChangeOf,
  compareVersion,
  type Comparison,
  dropVersion,
  isSame,
  listVersions,
  markReady,
  type ReadModelVersion,
  tableOf,
  VersionRefused,
  type VersionState,
} from './versions';
