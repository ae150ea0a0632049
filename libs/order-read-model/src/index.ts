export {
  advanceCheckpoint,
  CheckpointLost,
  PROJECTION,
  type ProjectionState,
  readCheckpoint,
  recordStop,
} from './checkpoint';
export { findOrder, listOrders, type OrderFilter } from './find-orders';
export { ORDER_READ_MODEL_MIGRATIONS } from './migrations';
export { type OrderRow } from './order-row';
export { findPark, type ParkRequest, requestPark } from './parked';
export { loadOrders, saveOrders } from './save-orders';
