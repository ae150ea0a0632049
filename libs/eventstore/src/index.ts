export { EVENTSTORE_MIGRATIONS } from './migrations';
