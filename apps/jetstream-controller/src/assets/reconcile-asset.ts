import { converge, type Convergence, ownerOf, remove } from '@headwater/jetstream-resources';
import {
  addFinalizer,
  conditionOf,
  hasFinalizer,
  type KubernetesObject,
  keyOf,
  type ReconcileResult,
  removeFinalizer,
  type ResourceType,
} from '@headwater/kubernetes';
import { messageOf } from '@headwater/platform';
import type { Server } from '../connections/connection-pool';
import { announce } from './announce';
import {
  ANNOTATIONS,
  type Asset,
  type AssetKind,
  assetOf,
  claimOf,
  desiredBy,
  FINALIZER,
  isPaused,
  isReadable,
  TYPES,
  type Unreadable,
} from './asset';
import { type AssetWorld, INDEX } from './asset-world';
import { AssetStatusWriter, conditionsOf, statusOf, type Told } from './asset-status';
import { factsOf } from './facts';
import { recreatedMessage } from './recreated';
import { holderOf } from './rivals';
import { disconnected, paused, stalled, type Verdict, verdictOf, waiting } from './verdict';

/** Milliseconds until what the server refuses for now is tried again, give or take a half. */
const RETRY_REFUSED_MS = 20_000;

const LET_GO = 'set deletionPolicy: Retain to let the object go without it';

/**
 * Makes JetStream equal to one Stream or Consumer resource and says how it is.
 *
 * Every pass starts from what the cache and the server hold now, so a pass may be repeated, cut off at any point, or run
 * by another replica.
 */
export class AssetReconciler {
  private readonly status: AssetStatusWriter;
  private readonly type: ResourceType;

  constructor(
    private readonly kind: AssetKind,
    private readonly world: AssetWorld,
  ) {
    this.type = TYPES[kind];
    this.status = new AssetStatusWriter({ ...world, type: this.type });
  }

  /** @throws when the API server or JetStream gives no answer; the queue tries again, later each time */
  async reconcile(key: string): Promise<ReconcileResult> {
    const resource = this.world.caches[this.kind].get(key);
    if (!resource) {
      this.status.forget(key);
      return {};
    }
    const namespace = resource.metadata.namespace ?? '';
    if (!this.world.scope.owns(namespace)) return {};
    return this.world.scope.within(namespace, () => this.pass(resource));
  }

  private async pass(resource: KubernetesObject): Promise<ReconcileResult> {
    if (isPaused(resource)) return this.tell(resource, paused(conditionsOf(resource)));
    const asset = assetOf(this.kind, resource);
    if (resource.metadata.deletionTimestamp !== undefined) return this.finish(asset);
    if (!isReadable(asset)) return this.tell(resource, stalled('InvalidSpec', asset.fault));
    await this.guard(asset);
    const server = this.serverFor(asset);
    if ('reason' in server) return this.tell(resource, server);
    const rival = this.rivalOf(asset);
    if (rival) {
      const message = `${nameOf(asset)} is declared by the older ${this.kind} ${keyOf(rival.metadata)}; delete one of the two`;
      return this.tell(resource, stalled('Conflict', message));
    }
    return this.align(asset, server);
  }

  /** The finalizer is there exactly while a deletion has to be seen: without it, a controller that is gone blocks nothing. */
  private async guard({ resource, policies }: Asset): Promise<void> {
    const wanted = policies.deletionPolicy === 'Delete' && policies.managementPolicy !== 'Observe';
    if (wanted === hasFinalizer(resource, FINALIZER)) return;
    const change = wanted ? addFinalizer : removeFinalizer;
    await change(this.world.client, this.type, resource, FINALIZER);
  }

  private serverFor(asset: Asset): Server | Verdict {
    const { connection, resource } = asset;
    const refused = this.world.connections.refusal(connection, resource.metadata.namespace ?? '');
    if (refused) return refused;
    const server = this.world.pool.serverOf(connection);
    if (server.status === 'connected') return server;
    this.world.waiting.add(connection, asset);
    return server.status === 'connecting'
      ? disconnected(server.fault, `no connection to NATS: ${server.message}`)
      : waiting('ConnectionNotReady', `the Connection ${connection} can't be used yet; see its conditions`);
  }

  /** The resource that has what this one declares too; undefined when that is this one. */
  private rivalOf({ claim, resource, policies }: Asset): KubernetesObject | undefined {
    if (policies.managementPolicy === 'Observe') return undefined;
    const holder = holderOf(this.kind, this.world.caches[this.kind].byIndex(INDEX.claim, claim));
    return holder?.metadata.uid === resource.metadata.uid ? undefined : holder;
  }

  private async align(asset: Asset, { api }: Server): Promise<ReconcileResult> {
    const { resource, policies } = asset;
    const desired = desiredBy(asset, this.world.clusterId);
    const options = {
      policies,
      known: this.world.positions.of(asset),
      previouslySeen: statusOf(resource).created !== undefined,
    };
    const ofStream = claimOf(asset.connection, asset.stream);
    const streamBefore = this.world.positions.streamCreated(ofStream);
    let result: Convergence;
    try {
      result = await converge(api, desired, options);
      if (result.reason === 'Conflict' && this.isOrphan(asset, result)) {
        // The mark is of a resource that is gone or has lost: the object is free.
        result = await converge(api, desired, {
          ...options,
          policies: { ...policies, adoptionPolicy: 'Always' },
        });
      }
    } catch (error) {
      await this.tell(resource, disconnected('NoAnswer', `JetStream gave no answer: ${messageOf(error)}`));
      throw error;
    }
    announce(asset, result, this.world);
    this.world.onAligned(asset, result);
    const verdict = verdictOf(result);
    const factsDueMs = await this.report(resource, {
      verdict,
      facts: result.observed && factsOf(asset, result.observed, this.world),
      recreated: recreatedMessage(asset, result),
    });
    if (result.reason === 'StreamNotReady') {
      this.world.waiting.add(ofStream, asset);
      // It came while this pass was looking, before there was anything to wake.
      return this.world.positions.streamCreated(ofStream) === streamBefore ? {} : { requeueAfterMs: 1 };
    }
    const hindered = result.outcome === 'refused' || result.outcome === 'waiting';
    if (hindered && !result.terminal) return { requeueAfterMs: RETRY_REFUSED_MS * (0.5 + Math.random()) };
    return factsDueMs === undefined ? {} : { requeueAfterMs: factsDueMs };
  }

  /** Whether an object's mark names a resource of this cluster that does not claim the object any more. */
  private isOrphan(asset: Asset, { observed }: Convergence): boolean {
    const [cluster, namespace = '', name = ''] = (observed && ownerOf(observed.config))?.split('/') ?? [];
    // Of a namespace that is not watched nothing is known.
    if (cluster !== this.world.clusterId || !this.world.scope.owns(namespace)) return false;
    const marked = this.world.caches[this.kind].get(`${namespace}/${name}`);
    if (!marked) return true;
    const claimant = assetOf(this.kind, marked);
    // Had it the older claim, this pass would have ended with that.
    return !isReadable(claimant) || claimant.claim !== asset.claim || this.rivalOf(claimant) !== undefined;
  }

  /** Of a resource that is being deleted: deletes its object in JetStream if that is asked for, then lets it go. */
  private async finish(asset: Asset | Unreadable): Promise<ReconcileResult> {
    const { resource } = asset;
    if (!hasFinalizer(resource, FINALIZER)) return {};
    if (!isReadable(asset)) return this.tell(resource, stalled('InvalidSpec', `${asset.fault}; ${LET_GO}`));
    const { deletionPolicy, managementPolicy } = asset.policies;
    if (deletionPolicy === 'Delete' && managementPolicy !== 'Observe' && !this.rivalOf(asset)) {
      const server = this.serverFor(asset);
      if ('reason' in server) {
        return this.tell(resource, {
          ...server,
          message: `can't be deleted in JetStream: ${server.message}; ${LET_GO}`,
        });
      }
      const force = resource.metadata.annotations?.[ANNOTATIONS.forceDelete] === 'true';
      const { outcome, reason, message } = await remove(server.api, desiredBy(asset, this.world.clusterId), {
        force,
      });
      this.world.recorder.event(resource, {
        type: outcome === 'refused' ? 'Warning' : 'Normal',
        reason: outcome === 'refused' ? reason : 'Deleted',
        action: 'Delete',
        note: message,
      });
      // Somebody else's object is left to them; one that is ours and full of messages is kept until a person decides.
      if (outcome === 'refused' && reason !== 'Conflict') {
        return this.tell(resource, stalled(reason, `${message}; or ${LET_GO}`));
      }
    }
    await removeFinalizer(this.world.client, this.type, resource, FINALIZER);
    return {};
  }

  private async tell(resource: KubernetesObject, verdict: Verdict): Promise<ReconcileResult> {
    const { reason, message: note, progress } = verdict;
    if (progress === 'stalled' && conditionOf(conditionsOf(resource), 'Ready')?.reason !== reason)
      this.world.recorder.event(resource, { type: 'Warning', reason, action: 'Reconcile', note });
    // What was to be acknowledged stays so while the server is not asked.
    const recreated = conditionsOf(resource).find(({ type }) => type === 'Recreated')?.message;
    await this.report(resource, { verdict, recreated });
    return {};
  }

  private report(resource: KubernetesObject, told: Told): Promise<number | undefined> {
    const { namespace = '', name } = resource.metadata;
    this.world.metrics.ready.set({ kind: this.kind, namespace, name }, told.verdict.ready === 'True' ? 1 : 0);
    return this.status.write(resource, told);
  }
}

const nameOf = ({ stream, ...asset }: Asset): string =>
  asset.kind === 'Stream' ? `the stream ${stream}` : `the consumer ${stream}/${asset.spec.durableName}`;
