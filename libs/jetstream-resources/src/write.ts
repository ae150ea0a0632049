import { JetStreamApi } from './jetstream-api';
import { ConsumerInfo, ServerConfig, StreamInfo } from './jetstream-info';
import { CODE, JetStreamRefusal } from './jetstream-refusal';
import { Desired } from './manifest';
import { keepResumed, metadataOf, PAUSE_KEY } from './mark';
import { sameInstant } from './plan';
import { createResumed, Known } from './resume';

/** Makes a stream or consumer that is not there. */
export async function create(
  api: JetStreamApi,
  desired: Desired,
  known: Known | undefined,
): Promise<StreamInfo | ConsumerInfo> {
  const { stream, consumer, config, pauseUntil } = desired;
  if (consumer !== undefined) {
    return (
      (await createResumed(api, desired, consumer, known)) ??
      api.writeConsumer(stream, consumer, { ...config, pause_until: pauseUntil }, 'create')
    );
  }
  if (config['sealed'] !== true) return api.writeStream(stream, config, 'create');
  // A sealed stream can't be made, only an open one be sealed.
  await api.writeStream(stream, { ...config, sealed: false }, 'create');
  return api.writeStream(stream, config, 'update');
}

/** Sends the full configuration. `moving`: a part of it, and the server takes no more until replicas have moved. */
export async function update(
  api: JetStreamApi,
  { stream, consumer, config }: Desired,
  held: ServerConfig,
): Promise<StreamInfo | ConsumerInfo | 'moving'> {
  const sent = keepResumed(config, held);
  if (consumer !== undefined) return api.writeConsumer(stream, consumer, sent, 'update');
  try {
    return await api.writeStream(stream, sent, 'update');
  } catch (error) {
    if (!isRefusal(error, CODE.moveAndScale)) throw error;
  }
  // The server moves a stream to other servers, or changes how many there are, in one request, but not both. Fewer first:
  // the new place may have room for no more.
  const fewer = Number(sent['num_replicas'] ?? 1) < Number(held['num_replicas'] ?? 1);
  const half = fewer ? { placement: held['placement'] } : { num_replicas: held['num_replicas'] };
  await api.writeStream(stream, { ...sent, ...half }, 'update');
  try {
    return await api.writeStream(stream, sent, 'update');
  } catch (error) {
    if (isRefusal(error, CODE.moveInProgress, CODE.reconfigureInProgress, CODE.moveAndScale)) return 'moving';
    throw error;
  }
}

const isRefusal = (error: unknown, ...codes: number[]): boolean =>
  error instanceof JetStreamRefusal && codes.includes(error.code);

/**
 * Ends the pause that we have noted, when none is declared any more: one set by hand in an emergency stays. Comes before
 * the update that takes the note away, so that a crash in between leaves no pause without a note.
 */
export async function endPause(
  api: JetStreamApi,
  { stream, consumer, pauseUntil }: Desired,
  held: ServerConfig,
): Promise<void> {
  const noted = metadataOf(held, PAUSE_KEY);
  if (consumer === undefined || pauseUntil !== undefined || noted === undefined) return;
  if (sameInstant(held['pause_until'], noted)) await api.pauseConsumer(stream, consumer, undefined);
}

/** Pauses a consumer as declared; updates can't. Comes after the update that notes it. */
export async function beginPause(
  api: JetStreamApi,
  { stream, consumer, pauseUntil }: Desired,
  held: ServerConfig,
): Promise<void> {
  if (consumer === undefined || pauseUntil === undefined) return;
  if (!sameInstant(held['pause_until'], pauseUntil)) await api.pauseConsumer(stream, consumer, pauseUntil);
}
