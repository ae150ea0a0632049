export { compareStreamWithLog, readWholeLog } from './check-platform';
export { HttpRefusal, type OrderAnswer, type OrderBody, OrderClient, orderOf } from './order-client';
export { seededRandom } from './random';
