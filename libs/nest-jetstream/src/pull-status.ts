/** What a status message means for the pull request it answers. */
export type PullStatus =
  | { kind: 'alive' }
  /** The request is over; the next one may follow at once. */
  | { kind: 'over' }
  /** The consumer may be gone or be led by another server: look it up before pulling again. */
  | { kind: 'detached'; reason: string };

/**
 * Status messages of pull requests (ADR-13 of NATS). What is not known detaches: looking the consumer up and starting
 * again, with backoff, is right for every fault, and says what is wrong.
 */
export function pullStatus(code: number, description: string): PullStatus {
  const text = description.toLowerCase();
  switch (code) {
    case 100:
      return { kind: 'alive' };
    case 404:
    case 408:
      return { kind: 'over' };
    case 409:
      if (text.includes('message size exceeds') || text.includes('batch completed')) return { kind: 'over' };
      return { kind: 'detached', reason: `JetStream has ended the pull: ${description}` };
    case 503:
      return { kind: 'detached', reason: 'nothing answers for the consumer' };
    default:
      return { kind: 'detached', reason: `JetStream refuses the pull: ${code} ${description}` };
  }
}
