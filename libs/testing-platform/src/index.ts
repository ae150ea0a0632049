export { type ChaosOptions, type ChaosReport, runChaos } from './chaos/run-chaos';
export {
  accountForOrders,
  checkOrders,
  type Fault,
  type FaultKind,
  type PlatformAccount,
} from './check-orders';
export { compareStreamWithLog, readWholeLog, type ReachablePlatform } from './check-platform';
export { type LedgerEntry, readLedger, setFaults } from './ledger';
export { HttpRefusal, type OrderAnswer, type OrderBody, OrderClient, orderOf } from './order-client';
export { createdEvent, OrderLog } from './order-log';
export { seededRandom } from './random';
export { startTestPlatform, type TestPlatform } from './start-platform';
