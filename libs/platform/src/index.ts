export {
  ConfigError,
  databaseUrl,
  eventStoreConfig,
  natsConfig,
  opsConfig,
  portNumber,
  readConfig,
  readDatabaseUrl,
  type ServerCertificate,
  serverCertificate,
  tlsConfig,
} from './config';
export { messageOf } from './message-of';
export { connectNats, KEPT_CONNECTION, type NatsSettings } from './nats';
export { type OpsServer, startOpsServer } from './ops-server';
export { type ProcessContext, runProcess } from './process';
export { type Dependency, Readiness } from './readiness';
export { currentTraceparent, startTracing } from './tracing';
