import type { ConsumerStatus, StreamStatus } from '@headwater/jetstream-resources';
import {
  type Condition,
  isTrue,
  type KubernetesClient,
  type KubernetesObject,
  keyOf,
  type ResourceType,
  sameJson,
  StatusWriter,
} from '@headwater/kubernetes';
import { FIELD_MANAGER } from './asset';
import type { ConsumerFacts, StreamFacts } from './facts';
import { conditionsBy, type Verdict } from './verdict';

export type AssetStatus = Partial<StreamStatus> & Partial<ConsumerStatus>;

/** The status as the cache has it; the schema of the resource has admitted it. */
export const statusOf = (resource: KubernetesObject): AssetStatus => (resource.status ?? {}) as AssetStatus;

export const conditionsOf = (resource: KubernetesObject): readonly Condition[] =>
  statusOf(resource).conditions ?? [];

/** Whether JetStream was found to hold what this very spec declares. */
export const wasSynced = (resource: KubernetesObject): boolean =>
  isTrue(conditionsOf(resource), 'Synced', resource.metadata.generation);

/** What a pass has found out. */
export interface Told {
  readonly verdict: Verdict;
  /** Undefined when the server was not asked: what was known stays. */
  readonly facts?: StreamFacts | ConsumerFacts | undefined;
  /** Says that a stream was made again; undefined when there is nothing to acknowledge. */
  readonly recreated?: string | undefined;
}

export interface AssetStatusWriterOptions {
  client: KubernetesClient;
  type: ResourceType;
  /** Least milliseconds between two writes for one object that tell nothing but new facts. */
  factsMs: number;
  now: () => Date;
}

/** Writes statuses: at once when the conditions change, and for new facts alone no more often than is agreed. */
export class AssetStatusWriter {
  private readonly writer: StatusWriter;
  private readonly writtenAt = new Map<string, number>();

  constructor(private readonly options: AssetStatusWriterOptions) {
    this.writer = new StatusWriter({ ...options, fieldManager: FIELD_MANAGER });
  }

  /** @returns milliseconds until new facts that were not written may be; undefined when all is told */
  async write(resource: KubernetesObject, { verdict, facts, recreated }: Told): Promise<number | undefined> {
    const { now, factsMs } = this.options;
    const { conditions: before = [], observedGeneration, driftedFields: _, ...known } = statusOf(resource);
    const generation = resource.metadata.generation ?? 0;
    const conditions = conditionsBy(verdict, before, { generation, now: now(), recreated });
    const key = keyOf(resource.metadata);
    const at = now().getTime();
    const onlyFacts = observedGeneration === generation && sameJson(conditions, before);
    const waitMs = (this.writtenAt.get(key) ?? 0) + factsMs - at;
    const early = onlyFacts && waitMs > 0 && facts?.created === known.created;
    const told = facts === undefined || early ? known : facts;
    const drifted = verdict.drifted.length === 0 ? {} : { driftedFields: verdict.drifted };
    const status = { ...told, ...drifted, observedGeneration: generation, conditions };
    if (await this.writer.write(resource, status)) this.writtenAt.set(key, at);
    return early && facts !== undefined && !sameJson(facts, known) ? waitMs : undefined;
  }

  /** The object is gone. */
  forget(key: string): void {
    this.writer.forget(key);
    this.writtenAt.delete(key);
  }
}
