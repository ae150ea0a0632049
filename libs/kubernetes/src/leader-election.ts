import { KubernetesClient } from './client';
import { RuntimeLog } from './log';
import { RuntimeMetrics } from './metrics';

export interface LeaderElectionOptions {
  client: KubernetesClient;
  namespace: string;
  /** Name of the Lease. */
  name: string;
  /** Unlike that of every other candidate: the pod's name and a random part. */
  identity: string;
  /** How long a leader that is not heard of stays leader (15 s). */
  leaseMs?: number;
  /** How long a leader that can't renew goes on (10 s); less than `leaseMs` by the time its work needs to end. */
  renewMs?: number;
  /** Time between attempts (2 s). */
  retryMs?: number;
  /** Ends the candidacy; a leader ends its work first, then gives the lease back. */
  signal: AbortSignal;
  /** The leader's work. Its signal is aborted the moment leadership is lost, or `signal` is. */
  lead(signal: AbortSignal): Promise<void>;
  metrics?: RuntimeMetrics;
  log?: RuntimeLog;
  /** Called the moment leadership is lost, before the work has ended. */
  onLost?(): void;
  /** The wall clock, which is only written for people to read. */
  wallClock?(): Date;
}

/** Leadership was lost to somebody else, or could not be renewed in time. The process is best started anew. */
export class LeadershipLostError extends Error {
  override readonly name = 'LeadershipLostError';
}

/**
 * Waits until this candidate leads, then runs `lead`.
 *
 * Resolves when `lead` has ended or the signal was aborted; the lease is given back then, so that the next leader need not
 * wait for its end. Rejects with what `lead` rejects with, or with LeadershipLostError after `lead` has ended.
 */
export function runLeaderElection(_options: LeaderElectionOptions): Promise<void> {
  return Promise.reject(new Error('not yet'));
}
