export { addressOf, createDatabases, type DatabaseServer, SQL_USERS, type SqlUser } from './databases';
export { Layout, type PortName, type Ports, portsWithOffset, readPorts } from './layout';
export { LocalPlatform, type LocalPlatformOptions, StartInterrupted } from './local-platform';
export {
  type Instance,
  instancesOf,
  type Replicas,
  type Route,
  type RoutedServer,
  SERVICE_NAMES,
  serversOf,
  type ServiceName,
} from './services';
