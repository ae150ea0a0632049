import { requestPark } from '@headwater/order-read-model';
import { createPool } from '@headwater/sql';
import { databaseUrlOf } from '../local-credentials';
import { print } from '../table';

export async function parkPosition(
  position: number,
  options: { reason: string; by: string; dataDir: string },
): Promise<void> {
  const url = databaseUrlOf('projection', 'HEADWATER_READ_MODEL_DATABASE_URL', options.dataDir);
  const pool = createPool({ url, applicationName: 'headwater-cli', max: 1 });
  try {
    await requestPark(pool, { position, reason: options.reason, by: options.by });
  } finally {
    await pool.end();
  }
  print(`position ${position} is to be left out; the projection records it as a dead letter and goes on`);
}
