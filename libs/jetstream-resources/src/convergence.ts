import { ConsumerInfo, StreamInfo } from './jetstream-info';

/** Why an object is as it is; fit for the reason of a condition. */
export type ConvergenceReason =
  | 'Converged'
  | 'Created'
  /** It had been there and was gone; a stream made again is empty. */
  | 'Recreated'
  | 'Updated'
  /** It was there and has been marked as ours. */
  | 'Adopted'
  /** It differs, and the management policy forbids to change it. */
  | 'Drifted'
  | 'Missing'
  /** It bears another owner's mark. */
  | 'Conflict'
  /** It bears no mark, and the adoption policy forbids to take it over. */
  | 'NotAdopted'
  | 'ImmutableField'
  | 'SubjectsOverlap'
  | 'InUse'
  /** The server is too old for a field. */
  | 'Unsupported'
  | 'ServerRefused'
  | 'NoPeers'
  | 'LimitReached'
  /** JetStream is there and can't answer now. */
  | 'Unavailable'
  /** Its replicas are on the way to other servers; the rest follows. */
  | 'MoveInProgress'
  | 'StreamNotReady';

/** What has become of one declared object. */
export interface Convergence {
  /**
   * `observed`: seen and not written, since the management policy forbids it. `refused`: it can't be made so. `waiting`: it
   * can be once something else has happened. `missing`: it is not there, and is not to be made.
   */
  readonly outcome: 'unchanged' | 'created' | 'updated' | 'observed' | 'refused' | 'waiting' | 'missing';
  readonly reason: ConvergenceReason;
  /** A sentence that names the fields and says what to do. */
  readonly message: string;
  /** Paths in the manifest that differed, were changed or are refused. */
  readonly fields: readonly string[];
  /** Retrying without a change of the manifest or on the server is pointless. A resync may still try. */
  readonly terminal: boolean;
  /** The object as last read; absent when it is not there or could not be read. */
  readonly observed?: StreamInfo | ConsumerInfo;
}
