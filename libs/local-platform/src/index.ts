export { Layout, type PortName, type Ports, portsWithOffset } from './layout';
export { LocalPlatform, type LocalPlatformOptions } from './local-platform';
export { SERVICE_NAMES, type ServiceName } from './services';
