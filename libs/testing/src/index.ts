export {
  describeWithControlPlane,
  kubeConfigOf,
  startTestControlPlane,
  type TestControlPlane,
  type TestControlPlaneOptions,
} from './control-plane';
export { type ApiAccess, type ApiRequest } from './control-plane-request';
export { eventually } from './eventually';
export { startTestNats, startTestNatsCluster, type TestNats, type TestNatsOptions } from './nats';
export { reservePort, type ReservedPort } from './ports';
export { oldestNatsServer } from './oldest-nats';
export {
  createTestDatabase,
  execute,
  startTestPostgres,
  type TestDatabase,
  type TestPostgres,
} from './postgres';
export { forbiddenConstruct } from './sql-forbidden';
export { selfSigned } from './self-signed';
export { type SqlExchange, type SqlFault, type SqlFaultProxy, startSqlFaultProxy } from './sql-fault-proxy';
export { startTcpProxy, type TcpProxy } from './tcp-proxy';
