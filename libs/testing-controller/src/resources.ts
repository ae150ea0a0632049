import { CONNECTION, CONSUMER, type Kind, STREAM } from '@headwater/jetstream-resources';
import type { Condition, KubernetesClient, KubernetesObject, ResourceType } from '@headwater/kubernetes';
import { eventually } from '@headwater/testing';

export type ResourceKind = Kind['kind'];

/** Any of the custom resources, with what tests read of its status. */
export interface Resource extends KubernetesObject {
  spec: Record<string, unknown>;
  status?: Record<string, unknown> & { conditions?: Condition[]; observedGeneration?: number };
}

/** What conditions are to be: their status, or `status:reason`. */
export type Conditions = Readonly<Record<string, string>>;

const KINDS = { Stream: STREAM, Consumer: CONSUMER, Connection: CONNECTION };

const typeOf = (kind: ResourceKind): ResourceType => ({ ...KINDS[kind], namespaced: true });

/** The custom resources of one namespace, as a user would handle them. */
export class Resources {
  constructor(
    private readonly client: KubernetesClient,
    readonly namespace: string,
  ) {}

  create(
    kind: ResourceKind,
    name: string,
    spec: object,
    metadata: Partial<KubernetesObject['metadata']> = {},
  ): Promise<Resource> {
    const type = typeOf(kind);
    return this.client.create(type, {
      apiVersion: `${type.group}/${type.version}`,
      kind,
      metadata: { ...metadata, name, namespace: this.namespace },
      spec: { ...spec },
    });
  }

  /** JSON merge patch of the whole object: null takes a field away. */
  patch(kind: ResourceKind, name: string, change: object): Promise<Resource> {
    return this.client.patch(typeOf(kind), { namespace: this.namespace, name }, change);
  }

  get(kind: ResourceKind, name: string): Promise<Resource | undefined> {
    return this.client.get(typeOf(kind), { namespace: this.namespace, name });
  }

  delete(kind: ResourceKind, name: string): Promise<boolean> {
    return this.client.delete(typeOf(kind), { namespace: this.namespace, name });
  }

  /** Waits until the controller has looked at the present spec and says this of it. */
  until(kind: ResourceKind, name: string, conditions: Conditions): Promise<Resource> {
    return eventually(async () => {
      const resource = await this.get(kind, name);
      if (!resource) throw new Error(`there is no ${kind} ${name}`);
      const { status } = resource;
      if (status?.observedGeneration !== resource.metadata.generation)
        throw new Error(`${kind} ${name} was not looked at: ${JSON.stringify(status)}`);
      for (const [type, wanted] of Object.entries(conditions)) {
        const found = status?.conditions?.find((condition) => condition.type === type);
        const is = wanted.includes(':') ? `${found?.status}:${found?.reason}` : (found?.status ?? 'absent');
        if (is !== wanted)
          throw new Error(`${kind} ${name}: ${type} is ${is}, not ${wanted}: ${JSON.stringify(status)}`);
      }
      return resource;
    });
  }

  untilReady(kind: ResourceKind, name: string): Promise<Resource> {
    return this.until(kind, name, { Ready: 'True' });
  }

  untilGone(kind: ResourceKind, name: string): Promise<void> {
    return eventually(async () => {
      const resource = await this.get(kind, name);
      if (resource) throw new Error(`${kind} ${name} is still there: ${JSON.stringify(resource)}`);
    });
  }

  /** The sentence of a condition; empty when there is none. */
  async messageOf(kind: ResourceKind, name: string, type = 'Ready'): Promise<string> {
    const resource = await this.get(kind, name);
    return resource?.status?.conditions?.find((condition) => condition.type === type)?.message ?? '';
  }
}
