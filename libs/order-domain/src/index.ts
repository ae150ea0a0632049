export {
  type CoordinatorPolicy,
  type Course,
  courseOf,
  courseOfHistory,
  type DueCourse,
  type Step,
  STEPS,
  WAITS,
  waitMs,
} from './coordinate';
export { decide, type Decision, type OrderCommand, type Refusal } from './decide';
export { evolve, foldOrder, ImpossibleHistory, type RecordedOrderEvent } from './evolve';
export {
  type Books,
  heldBy,
  initialOrder,
  isFinal,
  ORDER_STATUSES,
  type OrderState,
  type OrderStatus,
  type PlacedOrder,
} from './order-state';
export { type OrderRequest, type PricedOrder, priceOrder } from './price-order';
