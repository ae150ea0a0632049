export { type ControllerOptions, type ControllerProcess, startController } from './controller-process';
export { type Conditions, type Resource, type ResourceKind, Resources } from './resources';
export { type ControllerWorld, startControllerWorld, type WorldOptions } from './world';
export { describeOnServers, type ServerUnderTest } from './servers';
