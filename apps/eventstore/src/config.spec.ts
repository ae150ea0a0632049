import { ConfigError } from '@headwater/platform';
import { readEventStoreConfig } from './config';

const HEADWATER_DATABASE_URL = 'postgres://u@h/d';

test('has defaults for everything but the database', () => {
  const config = readEventStoreConfig({ HEADWATER_DATABASE_URL });
  expect(config).toMatchObject({
    HEADWATER_GRPC_PORT: 50051,
    HEADWATER_DATABASE_ISOLATION: 'read committed',
    HEADWATER_LOGS: [
      { name: 'ORDERS', partitions: 64 },
      { name: 'DEADLETTERS', partitions: 64 },
    ],
  });
});

test('takes logs with bare subjects', () => {
  const config = readEventStoreConfig({ HEADWATER_DATABASE_URL, HEADWATER_LOGS: ' ORDERS:0 , X ' });
  expect(config.HEADWATER_LOGS).toEqual([
    { name: 'ORDERS', partitions: 0 },
    { name: 'X', partitions: 64 },
  ]);
});

test('lists every fault at once', () => {
  const read = (): unknown =>
    readEventStoreConfig({ HEADWATER_GRPC_PORT: '70000', HEADWATER_LOGS: 'orders,X:7,Y,Y' });
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(/HEADWATER_DATABASE_URL[^]*HEADWATER_GRPC_PORT[^]*"orders"[^]*X may have[^]*twice/);
});
