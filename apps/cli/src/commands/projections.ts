import { listVersions, requestPark } from '@headwater/order-read-model';
import { createPool } from '@headwater/sql';
import { CommandFailed } from '../command-failed';
import { databaseUrlOf } from '../local-credentials';
import { print } from '../table';

export async function parkPosition(
  position: number,
  options: { reason: string; by: string; dataDir: string },
): Promise<void> {
  const url = databaseUrlOf('projection', 'HEADWATER_READ_MODEL_DATABASE_URL', options.dataDir);
  const pool = createPool({ url, applicationName: 'headwater-cli', max: 1 });
  try {
    const versions = await listVersions(pool);
    const stopped = versions.filter((version) => version.stopped !== null);
    if (stopped.length === 0) {
      const at = versions.find(({ state }) => state === 'active')?.checkpoint ?? 0;
      throw new CommandFailed(`the projection is not stopped: the read model is at ${at} and goes on`);
    }
    if (!stopped.some(({ checkpoint }) => position === checkpoint + 1)) {
      const possible = stopped.map(({ checkpoint }) => checkpoint + 1).join(' or ');
      throw new CommandFailed(
        `the read model stands before ${possible}, which is the only position that can be parked`,
      );
    }
    await requestPark(pool, { position, reason: options.reason, by: options.by });
  } catch (cause) {
    if (cause instanceof CommandFailed) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailed(`position ${position} is not parked; the read model's database says: ${reason}`, {
      cause,
    });
  } finally {
    await pool.end();
  }
  print(`position ${position} is to be left out; the projection records it as a dead letter and goes on`);
}
