import { JetStreamApi } from './jetstream-api';
import { CODE, JetStreamRefusal } from './jetstream-refusal';
import { read } from './converge';
import { Desired } from './manifest';
import { ownerOf } from './mark';

/** What has become of an object that was to be deleted. */
export interface Removal {
  readonly outcome: 'deleted' | 'absent' | 'refused';
  readonly reason: 'Deleted' | 'Absent' | 'Conflict' | 'NotAdopted' | 'HasMessages' | 'ServerRefused';
  /** A sentence that says what to do. */
  readonly message: string;
  /** Names of the consumers that are, or would be, deleted with a stream. */
  readonly dependants: readonly string[];
}

/**
 * Deletes what bears our mark. A stream that holds messages only when that is forced; its consumers go with it.
 *
 * @throws when the server does not answer
 */
export async function remove(
  api: JetStreamApi,
  desired: Desired,
  { force = false }: { force?: boolean } = {},
): Promise<Removal> {
  const { stream, consumer } = desired;
  try {
    const observed = await read(api, desired).catch((error: unknown) => {
      // A consumer without its stream is gone too.
      if (error instanceof JetStreamRefusal && consumer !== undefined && error.code === CODE.streamNotFound)
        return undefined;
      throw error;
    });
    if (observed === undefined) return answer('absent', 'Absent', 'is not there any more');
    const owner = ownerOf(observed.config);
    if (owner === undefined)
      return answer('refused', 'NotAdopted', 'bears no mark of ours and is left as it is');
    if (owner !== desired.owner)
      return answer('refused', 'Conflict', `belongs to ${owner} and is left as it is`);
    if (consumer !== undefined) {
      await api.deleteConsumer(stream, consumer);
      return answer('deleted', 'Deleted', 'has been deleted');
    }
    const { messages, consumer_count } = 'state' in observed ? observed.state : NOTHING;
    const dependants = consumer_count > 0 ? await api.consumerNames(stream) : [];
    if (messages > 0 && !force) {
      return answer(
        'refused',
        'HasMessages',
        `holds ${messages} messages${naming(dependants)}; delete or move them first, force the deletion, or set deletionPolicy: Retain`,
        dependants,
      );
    }
    await api.deleteStream(stream);
    return answer('deleted', 'Deleted', `has been deleted${naming(dependants)}`, dependants);
  } catch (error) {
    if (!(error instanceof JetStreamRefusal)) throw error;
    return answer('refused', 'ServerRefused', `the server refused: ${error.description} (${error.code})`);
  }
}

const NOTHING = { messages: 0, consumer_count: 0 };

const naming = (dependants: readonly string[]): string =>
  dependants.length === 0
    ? ''
    : ` and ${dependants.length} consumers (${dependants.slice(0, 5).join(', ')}${dependants.length > 5 ? ' …' : ''})`;

const answer = (
  outcome: Removal['outcome'],
  reason: Removal['reason'],
  message: string,
  dependants: readonly string[] = [],
): Removal => ({ outcome, reason, message, dependants });
