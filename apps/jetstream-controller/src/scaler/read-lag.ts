import { JetStreamRefusal } from '@headwater/jetstream-resources';
import type { Informer, KubernetesObject } from '@headwater/kubernetes';
import { messageOf } from '@headwater/platform';
import { assetOf, isReadable } from '../assets/asset';
import type { ConnectionPool } from '../connections/connection-pool';
import { type Lag, LagUnknown, type Trigger } from './external-scaler';

/** JetStream's code for a stream that does not exist. */
const STREAM_NOT_FOUND = 10059;

/**
 * What a consumer owes, from the consumer itself and at this moment. A resource that is not there, or a consumer that is
 * not, has no lag: neither none, which would end the workers, nor the most, which would start them all.
 *
 * @throws LagUnknown
 */
export async function readLag(
  { namespace, consumer }: Trigger,
  consumers: Informer<KubernetesObject>,
  pool: ConnectionPool,
): Promise<Lag> {
  if (!consumers.hasSynced) throw new LagUnknown('unavailable', 'the Consumer resources are not read yet');
  const resource = consumers.get(`${namespace}/${consumer}`);
  const asset = resource && assetOf('Consumer', resource);
  if (!asset) throw new LagUnknown('missing', `there is no Consumer ${namespace}/${consumer}`);
  if (!isReadable(asset) || !('durableName' in asset.spec)) {
    throw new LagUnknown(
      'invalid',
      `the Consumer ${namespace}/${consumer} has no usable spec; see its conditions`,
    );
  }
  const server = pool.serverOf(asset.connection);
  if (server.status !== 'connected') {
    throw new LagUnknown(
      'unavailable',
      `there is no connection to NATS for the Consumer ${namespace}/${consumer}`,
    );
  }
  const { stream, spec } = asset;
  const info = await server.api.consumerInfo(stream, spec.durableName).catch((error: unknown) => {
    const kind =
      error instanceof JetStreamRefusal && error.code === STREAM_NOT_FOUND ? 'missing' : 'unavailable';
    throw new LagUnknown(
      kind,
      `the consumer ${stream}/${spec.durableName} can't be read: ${messageOf(error)}`,
    );
  });
  if (!info) throw new LagUnknown('missing', `JetStream has no consumer ${stream}/${spec.durableName}`);
  return { pending: info.num_pending, ackPending: info.num_ack_pending };
}
