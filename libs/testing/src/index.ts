export { eventually } from './eventually';
export { startTestNats, startTestNatsCluster, type TestNats, type TestNatsOptions } from './nats';
export {
  createTestDatabase,
  execute,
  startTestPostgres,
  type TestDatabase,
  type TestPostgres,
} from './postgres';
