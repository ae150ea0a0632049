import type { Pool } from 'pg';
import { readCheckpoint } from '@headwater/order-read-model';
import { Dependency, messageOf } from '@headwater/platform';

/**
 * Looks every second whether the read model answers and has its schema. A stopped projection is no reason to take the
 * API out of service: what is there can be read, and `min_position` says what is not.
 *
 * @returns ends the watch
 */
export function watchReadModel(database: Pool, dependency: Dependency): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  const look = async (): Promise<void> => {
    try {
      await readCheckpoint(database);
      dependency.up();
    } catch (error) {
      dependency.down(messageOf(error));
    }
    if (!ended) timer = setTimeout(() => void look(), 1000);
  };
  void look();
  return () => {
    ended = true;
    clearTimeout(timer);
    return Promise.resolve();
  };
}
