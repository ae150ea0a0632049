import { KubernetesClient } from './client';
import { isConflict } from './errors';
import { decodeLease, givenBack, heldBy, Lease, LEASE, LeaseObservation } from './lease';
import { RuntimeLog, silentLog } from './log';
import { RuntimeMetrics } from './metrics';
import { pause } from './pause';

export interface LeaderElectionOptions {
  client: KubernetesClient;
  namespace: string;
  /** Name of the Lease. */
  name: string;
  /** Unlike that of every other candidate: the pod's name and a random part. */
  identity: string;
  /** How long a leader that is not heard of stays leader (15 s); rounded up to whole seconds. */
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

/** Leadership went to somebody else, or could not be renewed in time. The process is best started anew. */
export class LeadershipLostError extends Error {
  override readonly name = 'LeadershipLostError';
}

/**
 * Waits until this candidate leads, then runs `lead`.
 *
 * Resolves when `lead` has ended by itself or after the signal was aborted; the lease is renewed until then and given back
 * after it, so that the next leader starts neither before the end of this one's work nor later than it must. Rejects
 * with what `lead` rejects with, or with LeadershipLostError once `lead` has ended.
 *
 * A process that is stopped for longer than the lease (SIGSTOP, a paused machine) learns that it was replaced only
 * when it goes on. Kubernetes has nothing that fences its writes: they must be safe to repeat.
 */
export async function runLeaderElection(options: LeaderElectionOptions): Promise<void> {
  const { signal, metrics, name } = options;
  const candidate = new Candidate(options);
  metrics?.leader.set({ name }, 0);
  try {
    while (!signal.aborted) {
      const heldUntil = await candidate.attempt();
      if (heldUntil !== undefined) return await new Term(options, candidate, heldUntil).serve();
      // Candidates that started together must not go on asking together.
      await pause(candidate.retryMs * (1 + Math.random() * 0.2), signal);
    }
  } finally {
    await candidate.close();
  }
}

/** One identity's dealings with the lease. */
class Candidate {
  readonly leaseMs: number;
  readonly renewMs: number;
  readonly retryMs: number;
  /** Milliseconds before a renewal that failed is tried again: its time runs out. */
  readonly soonMs: number;
  readonly log: RuntimeLog;
  private readonly client: KubernetesClient;
  private readonly observation = new LeaseObservation();
  /** What is noted was written by us and nothing failed since: no need to read it before a renewal. */
  private known = false;

  constructor(private readonly options: LeaderElectionOptions) {
    this.leaseMs = options.leaseMs ?? 15_000;
    this.renewMs = options.renewMs ?? 10_000;
    this.retryMs = options.retryMs ?? 2_000;
    this.log = options.log ?? silentLog;
    this.soonMs = Math.min(this.retryMs, this.renewMs / 20);
    // On a connection of its own, for a renewal must not wait behind the work that it is for. A server that is busy gets
    // two fifths of the time to answer; a connection that went silent then leaves enough for another attempt on a new one.
    const timeoutMs = this.renewMs * 0.4;
    this.client = options.client.apart({
      maxConnections: 1,
      requestTimeoutMs: timeoutMs,
      connectTimeoutMs: timeoutMs,
    });
    if (!(this.retryMs < this.renewMs && this.renewMs < this.leaseMs)) {
      throw new Error('leader election needs retryMs < renewMs < leaseMs');
    }
  }

  /** Who holds the lease as far as is known. */
  get holder(): string | undefined {
    return this.observation.lease?.spec.holderIdentity;
  }

  /** How often the lease went from one holder to another; unchanged for as long as one holds it. */
  get transitions(): number | undefined {
    return this.observation.lease?.spec.leaseTransitions;
  }

  /**
   * Takes or renews the lease.
   *
   * @returns until when this candidate may act on it (its clock); undefined when it was not to be had
   */
  async attempt(): Promise<number | undefined> {
    // Counted from before the request: the server can't have written it earlier.
    const startedAt = performance.now();
    try {
      return (await this.take()) ? startedAt + this.renewMs : undefined;
    } catch (err) {
      const fields = { lease: this.options.name, identity: this.options.identity, err };
      if (isConflict(err)) this.log.debug(fields, 'somebody else was quicker');
      else this.log.warn(fields, 'the lease could not be had or renewed; it is tried again');
      // It may have been written all the same; the next attempt looks.
      this.known = false;
      return undefined;
    }
  }

  private async take(): Promise<boolean> {
    const { client } = this;
    const { namespace, name, identity } = this.options;
    if (!this.known) {
      const raw = await client.get(LEASE, { namespace, name });
      this.observation.note(raw === undefined ? undefined : decodeLease(raw), performance.now());
    }
    const holder = this.observation.holder(performance.now());
    if (holder !== undefined && holder !== identity) return false;
    const before = this.observation.lease;
    const spec = heldBy(identity, before?.spec, this.leaseMs, this.wallClock());
    const written =
      before === undefined
        ? await client.create(LEASE, {
            apiVersion: 'coordination.k8s.io/v1',
            kind: 'Lease',
            metadata: { namespace, name },
            spec,
          })
        : await client.replace<Lease>(LEASE, { ...before, spec });
    this.observation.note(decodeLease(written), performance.now());
    this.known = true;
    return true;
  }

  close(): Promise<void> {
    return this.client.close();
  }

  /** So that the next leader need not wait for the end of the lease. */
  async giveBack(): Promise<void> {
    const lease = this.observation.lease;
    if (lease?.spec.holderIdentity !== this.options.identity) return;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new Error('no answer in time')), this.renewMs / 2);
    try {
      const spec = givenBack(lease.spec, this.wallClock());
      await this.client.replace<Lease>(LEASE, { ...lease, spec }, { signal: limit.signal });
    } catch (err) {
      this.log.warn(
        { lease: this.options.name, err },
        'the lease could not be given back; it ends by itself',
      );
    } finally {
      clearTimeout(timer);
    }
  }

  private wallClock(): Date {
    return this.options.wallClock?.() ?? new Date();
  }
}

/** The time from taking the lease to giving it back or losing it. */
class Term {
  private readonly work = new AbortController();
  private readonly workEnded = new AbortController();
  private lost: LeadershipLostError | undefined;
  private deadline: NodeJS.Timeout | undefined;
  private readonly transitions: number | undefined;

  constructor(
    private readonly options: LeaderElectionOptions,
    private readonly candidate: Candidate,
    private heldUntil: number,
  ) {
    this.transitions = candidate.transitions;
  }

  async serve(): Promise<void> {
    const { signal, metrics, name, identity, lead } = this.options;
    const fields = { lease: name, identity };
    const stop = (): void => this.work.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    metrics?.leader.set({ name }, 1);
    this.candidate.log.info(fields, 'leading');
    this.watchDeadline();
    const renewing = this.renew();
    try {
      await lead(this.work.signal);
    } finally {
      this.workEnded.abort();
      clearTimeout(this.deadline);
      signal.removeEventListener('abort', stop);
      await renewing;
      metrics?.leader.set({ name }, 0);
      if (this.lost === undefined) await this.candidate.giveBack();
    }
    if (this.lost !== undefined) throw this.lost;
    this.candidate.log.info(fields, 'led, and gave the lease back');
  }

  private async renew(): Promise<void> {
    let waitMs = this.candidate.retryMs;
    while (!this.workEnded.signal.aborted && this.lost === undefined) {
      await pause(waitMs, this.workEnded.signal);
      if (this.workEnded.signal.aborted || this.lost !== undefined) return;
      // After a process was stopped and goes on, this may be reached before the timer.
      if (performance.now() >= this.heldUntil) return this.lose('its time was over before it was renewed');
      const heldUntil = await this.candidate.attempt();
      waitMs = heldUntil === undefined ? this.candidate.soonMs : this.candidate.retryMs;
      if (heldUntil !== undefined) {
        if (this.candidate.transitions !== this.transitions)
          return this.lose('somebody else had it meanwhile');
        this.heldUntil = heldUntil;
        this.watchDeadline();
      } else if (this.candidate.holder !== undefined && this.candidate.holder !== this.options.identity) {
        this.lose(`${this.candidate.holder || 'nobody'} holds it now`);
      }
    }
  }

  private watchDeadline(): void {
    clearTimeout(this.deadline);
    if (this.lost !== undefined || this.workEnded.signal.aborted) return;
    this.deadline = setTimeout(
      () => this.lose(`it could not be renewed for ${this.candidate.renewMs / 1000} s`),
      Math.max(0, this.heldUntil - performance.now()),
    );
  }

  private lose(why: string): void {
    if (this.lost !== undefined || this.workEnded.signal.aborted) return;
    clearTimeout(this.deadline);
    const { name, identity, metrics } = this.options;
    this.lost = new LeadershipLostError(`${identity} lost the lease ${name}: ${why}`);
    metrics?.leader.set({ name }, 0);
    this.candidate.log.error({ lease: name, identity, err: this.lost }, 'leadership is lost');
    this.work.abort(this.lost);
    this.options.onLost?.();
  }
}
