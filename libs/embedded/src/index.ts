export { cacheDir, SetupError } from './cache';
export {
  type ControlPlaneBinaries,
  etcdSpec,
  findControlPlane,
  KUBERNETES_VERSION,
  kubeApiserverSpec,
} from './control-plane';
export { findHelm, HELM_VERSION } from './helm';
export { ManagedProcess, type StartOptions } from './managed-process';
export { type NatsConfigOptions, renderNatsConfig } from './nats-config';
export {
  findNatsServer,
  findOldestNatsServer,
  NATS_SERVER_VERSION,
  natsServerSpec,
  OLDEST_NATS_SERVER_VERSION,
} from './nats-server';
export { freePort, portTaken } from './ports';
export { type PostgresOptions, preparePostgres, type PreparedPostgres, removePostgresData } from './postgres';
export { type ProcessSpec } from './process-spec';
export { tellWhile } from './tell-while';
