/** Codes of the JetStream API that mean something to us; source: nats-server, `server/errors.json`. */
export const CODE = {
  accountResources: 10002,
  noPeers: 10005,
  notAvailable: 10008,
  notLeader: 10009,
  consumerNotFound: 10014,
  insufficientResources: 10023,
  maximumConsumers: 10026,
  maximumStreams: 10027,
  memoryExceeded: 10028,
  notEnabledForAccount: 10039,
  storageExceeded: 10047,
  mirrorNotUpdatable: 10055,
  streamNameInUse: 10058,
  streamNotFound: 10059,
  subjectsOverlap: 10065,
  replicasNotSupported: 10074,
  notEnabled: 10076,
  consumerNameInUse: 10013,
  streamOffline: 10118,
  consumerOffline: 10119,
  moveAndScale: 10123,
  moveInProgress: 10124,
  consumerExists: 10148,
  consumerDoesNotExist: 10149,
  apiLevel: 10185,
  reconfigureInProgress: 10226,
} as const;

/** The server has refused a request of the JetStream API. */
export class JetStreamRefusal extends Error {
  override readonly name = 'JetStreamRefusal';
  constructor(
    readonly subject: string,
    /** JetStream's own error code, for example 10052. */
    readonly code: number,
    /** What the server says, for example `duplicates window can not be larger then max age`. */
    readonly description: string,
  ) {
    super(`${subject} was refused: ${description} (${code})`);
  }
}
